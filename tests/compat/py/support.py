"""What the Python suites share: a server to talk to, clients that remember what they were told,
and a TCP proxy that can break. Nothing here sleeps: every wait has an event and a deadline."""

import asyncio
import contextlib
import os
import re
import signal
import socket
import struct
import subprocess
import threading
from urllib.parse import urlsplit

import socketio

# Longest wait, in seconds, for anything that should happen at once.
DEADLINE = 10
# Longest wait for what needs a missed heartbeat first.
HEARTBEAT_DEADLINE = 30
# Short heartbeats, so that a polling client that vanished is missed within seconds; no limits,
# because the suites talk faster than people do.
SERVER_ENV = {
    "HOST": "127.0.0.1",
    "PORT": "0",
    "SECRET_KEY": "for these tests only",
    "MESSAGE_RATE": "0",
    "PING_INTERVAL": "3s",
    "PING_TIMEOUT": "5s",
}

ROOMS = ["general", "tech", "sports", "music", "gaming"]
TIMESTAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")

# The ways a client may get to the server, and the transport it ends up on.
MODES = {
    "polling": (["polling"], "polling"),
    "websocket": (["websocket"], "websocket"),
    "upgrade": (["polling", "websocket"], "websocket"),
}


class Server:
    """The running server that HUBBUB_URL names, or a process of the suite's own."""

    def __init__(self):
        self.url = os.environ.get("HUBBUB_URL")
        self.process = None
        if self.url:
            return
        self.process = subprocess.Popen(
            [os.environ["HUBBUB_BIN"]],
            env={"PATH": os.environ["PATH"], **SERVER_ENV},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        watchdog = threading.Timer(DEADLINE, self.process.kill)
        watchdog.start()
        for line in self.process.stdout:
            if address := re.search(r"listening on (http://\S+)", line):
                self.url = address[1]
                break
        watchdog.cancel()
        if not self.url:
            raise RuntimeError(f"no address from the server; it ended with {self.process.wait()}")
        # Read on, so that the pipe never fills.
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            code = self.process.wait(timeout=30)
            if code != 0:
                raise AssertionError(f"the server ended with {code}")


class OneServer:
    """A test case whose tests share one server."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()


class Memory:
    """Everything a client was told, in order."""

    def __init__(self):
        self.log = []

    def record(self, event, *payload):
        self.log.append({"event": event, "payload": payload[0] if payload else None, "seen": False})

    def heard(self, event):
        return [entry["payload"] for entry in self.log if entry["event"] == event]

    def take(self, event, fits):
        """The first event of this name, not yet taken, that fits."""
        for entry in self.log:
            if not entry["seen"] and entry["event"] == event and fits(entry["payload"]):
                entry["seen"] = True
                return entry
        return None

    def __str__(self):
        return str([(entry["event"], entry["payload"]) for entry in self.log])[-2000:]


class AsyncClient(Memory):
    """The asyncio client."""

    def __init__(self, **options):
        super().__init__()
        self.changed = asyncio.Event()
        self.sio = socketio.AsyncClient(**{"reconnection": False, **options})
        self.sio.on("connect", lambda: self._on("#connect"))
        self.sio.on("disconnect", lambda reason: self._on("#disconnect", reason))
        self.sio.on("*", self._on)

    # Not a coroutine: those would be scheduled, and the order of arrival is what we keep.
    def _on(self, event, *payload):
        self.record(event, *payload)
        self.changed.set()

    async def connect(self, url, transports):
        await self.sio.connect(url, transports=transports, wait_timeout=DEADLINE)
        await self.next("session")
        return self

    async def next(self, event, fits=lambda payload: True, deadline=DEADLINE):
        try:
            async with asyncio.timeout(deadline):
                while not (entry := self.take(event, fits)):
                    self.changed.clear()
                    await self.changed.wait()
                return entry["payload"]
        except TimeoutError:
            raise AssertionError(f"{deadline} s without {event}; heard {self}") from None

    async def emit(self, event, payload=None):
        await self.sio.emit(event, payload)

    async def request(self, event, payload=None):
        return await self.sio.call(event, payload, timeout=DEADLINE)

    async def join(self, room, username):
        ack = await self.request("join_room", {"room_name": room, "username": username})
        if ack["ok"] is not True:
            raise AssertionError(ack)
        return ack

    async def close(self):
        await self.sio.disconnect()


class SyncClient(Memory):
    """The client with threads. It handles each event on a thread of its own, so the order in
    which events are remembered here says nothing about the order on the wire."""

    def __init__(self, **options):
        super().__init__()
        self.changed = threading.Condition()
        self.sio = socketio.Client(**{"reconnection": False, **options})
        self.sio.on("*", self._on)

    def _on(self, event, *payload):
        with self.changed:
            self.record(event, *payload)
            self.changed.notify_all()

    def connect(self, url, transports):
        self.sio.connect(url, transports=transports, wait_timeout=DEADLINE)
        self.next("session")
        return self

    def next(self, event, fits=lambda payload: True, deadline=DEADLINE):
        with self.changed:
            entry = self.changed.wait_for(lambda: self.take(event, fits), deadline)
            if not entry:
                raise AssertionError(f"{deadline} s without {event}; heard {self}")
            return entry["payload"]

    def request(self, event, payload=None):
        return self.sio.call(event, payload, timeout=DEADLINE)

    def close(self):
        self.sio.disconnect()


def empty(rooms):
    return all(room["count"] == 0 for room in rooms.values())


async def nobody_left(url):
    """Waits until the server has missed everybody, so that the next test counts from 0."""
    watcher = AsyncClient()
    await watcher.connect(url, ["websocket"])
    try:
        if not empty(await watcher.next("room_list")):
            await watcher.next("room_update", empty, HEARTBEAT_DEADLINE)
    finally:
        await watcher.close()


class Proxy:
    """A way to the server that can break, as networks do."""

    def __init__(self, url):
        self.target = (urlsplit(url).hostname, urlsplit(url).port)
        self.is_up = True
        self.writers = set()

    async def start(self):
        self.listener = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.listener.sockets[0].getsockname()[1]}"
        return self

    async def _serve(self, reader, writer):
        if not self.is_up:
            return self._reset(writer)
        far_reader, far_writer = await asyncio.open_connection(*self.target)
        self.writers |= {writer, far_writer}
        await asyncio.gather(self._copy(reader, far_writer), self._copy(far_reader, writer))
        self.writers -= {writer, far_writer}

    @staticmethod
    async def _copy(reader, writer):
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    @staticmethod
    def _reset(writer):
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async def cut_all(self):
        """Everything is cut without a goodbye, and nobody gets through until `is_up` again."""
        self.is_up = False
        for writer in list(self.writers):
            self._reset(writer)

    async def cut(self, client):
        """Everything is cut without a goodbye until this client has noticed."""
        await self.cut_all()
        await client.next("#disconnect", deadline=HEARTBEAT_DEADLINE)
        self.is_up = True

    async def stop(self):
        self.is_up = False
        for writer in list(self.writers):
            self._reset(writer)
        self.listener.close()
        await self.listener.wait_closed()
