"""Proxies that pass polling through and spoil WebSockets, each in a way that real ones do."""

import asyncio
import contextlib
import re
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass
class Hostility:
    """What becomes of a WebSocket."""

    asks_server: bool = True
    answer: str | None = None
    then: str | None = None


HOSTILITIES = {
    "is answered with 502": Hostility(asks_server=False, answer="502"),
    "is never answered": Hostility(asks_server=False),
    "is answered with 502 after the server agreed": Hostility(answer="502"),
    "is never answered although the server agreed": Hostility(),
    "is dropped after the 101": Hostility(answer="101", then="drop"),
    "hangs after the 101": Hostility(answer="101", then="hang"),
    "passes on what the client says and nothing back": Hostility(answer="101", then="deaf"),
}

BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class HostileProxy:
    def __init__(self, url, hostility):
        self.target = (urlsplit(url).hostname, urlsplit(url).port)
        self.hostility = hostility
        self.writers = set()
        self.polls = 0
        self.polled = asyncio.Condition()
        # WebSockets that were asked for.
        self.spoilt = 0

    async def start(self):
        self.listener = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.listener.sockets[0].getsockname()[1]}"
        return self

    async def _serve(self, reader, writer):
        self.writers.add(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await self._pass(reader, writer)
        writer.close()

    async def _pass(self, reader, writer):
        """Requests one after the other. A client may ask for a WebSocket on a connection that it has polled on."""
        far_reader, far_writer = await asyncio.open_connection(*self.target)
        self.writers.add(far_writer)
        answers = asyncio.create_task(self._copy(far_reader, writer))
        try:
            while data := await reader.read(65536):
                if re.search(rb"(?im)^upgrade: *websocket", data):
                    self.spoilt += 1
                    answers.cancel()
                    await asyncio.wait([answers])
                    await self._spoil(data, reader, writer, far_reader, far_writer)
                    return
                await self._count(data)
                far_writer.write(data)
                await far_writer.drain()
        finally:
            answers.cancel()
            far_writer.close()

    async def _spoil(self, request, reader, writer, far_reader, far_writer):
        if not self.hostility.asks_server:
            if self.hostility.answer:
                writer.write(BAD_GATEWAY)
            else:
                await self._lose(reader)
            return
        far_writer.write(request)
        switching = await far_reader.readuntil(b"\r\n\r\n")
        if self.hostility.answer == "502":
            far_writer.close()
            writer.write(BAD_GATEWAY)
        elif self.hostility.answer is None:
            await self._lose(reader)
        else:
            writer.write(switching)
            await writer.drain()
            if self.hostility.then == "hang":
                await asyncio.gather(self._lose(reader), self._lose(far_reader))
            elif self.hostility.then == "deaf":
                await asyncio.gather(self._copy(reader, far_writer), self._lose(far_reader))

    @staticmethod
    async def _lose(reader):
        while await reader.read(65536):
            pass

    async def _copy(self, reader, writer):
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
            writer.close()

    async def _count(self, data):
        async with self.polled:
            self.polls += data.count(b"GET /socket.io/")
            self.polled.notify_all()

    async def more_polls(self, count, deadline):
        """Waits until the client has polled so often."""
        wanted = self.polls + count
        async with asyncio.timeout(deadline), self.polled:
            await self.polled.wait_for(lambda: self.polls >= wanted)

    async def stop(self):
        self.listener.close()
        for writer in self.writers:
            writer.transport.abort()
        await self.listener.wait_closed()
