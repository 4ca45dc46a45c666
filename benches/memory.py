"""What a connection holds of a node's memory: idle, joined, and after traffic. Docs: docs/scaling.md.

    python3 benches/memory.py target/release/hubbub [connections]

It needs nothing but Python, a free port of this machine, and a file descriptor for each connection and some more.
"""

import asyncio
import base64
import json
import os
import re
import resource
import struct
import subprocess
import sys
from pathlib import Path

SPEAKERS = 20
HANDSHAKE = (
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\n\r\n"
)


def frame(text: str) -> bytes:
    """A masked text frame; the mask is 0, which changes nothing."""
    payload = text.encode()
    if len(payload) < 126:
        head = bytes([0x81, 0x80 | len(payload)])
    else:
        head = bytes([0x81, 0xFE]) + struct.pack(">H", len(payload))
    return head + bytes(4) + payload


def event(name: str, payload: object) -> bytes:
    """An event as Socket.IO writes it."""
    return frame("42" + json.dumps([name, payload]))


async def read_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reads whatever comes, and answers heartbeats, until the connection ends."""
    while True:
        try:
            _, size = await reader.readexactly(2)
            if size == 126:
                (size,) = struct.unpack(">H", await reader.readexactly(2))
            elif size == 127:
                (size,) = struct.unpack(">Q", await reader.readexactly(8))
            payload = await reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        if payload == b"2":
            writer.write(frame("3"))


class Node:
    """A node of its own, and those who are connected to it."""

    def __init__(self, binary: str) -> None:
        """Starts it."""
        settings = {"HOST": "127.0.0.1", "PORT": "0", "RUST_LOG": "error", "MESSAGE_RATE": "0"}
        self.process = subprocess.Popen(
            [binary], env={"PATH": os.environ["PATH"], **settings}, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        listening = re.search(r":(\d+)$", self.process.stdout.readline().strip())
        assert listening is not None, "the node does not listen"
        self.port = int(listening.group(1))
        self.empty_kib = self.resident_kib()
        self.writers: list[asyncio.StreamWriter] = []
        self.readers: list[asyncio.Task[None]] = []

    def resident_kib(self) -> int:
        """Memory of the process, as Linux counts it."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        found = re.search(r"VmRSS:\s+(\d+)", status)
        assert found is not None
        return int(found.group(1))

    async def connect(self) -> None:
        """Opens one more connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(HANDSHAKE.format(base64.b64encode(os.urandom(16)).decode()).encode())
        await reader.readuntil(b"\r\n\r\n")
        writer.write(frame("40"))
        self.writers.append(writer)
        self.readers.append(asyncio.create_task(read_all(reader, writer)))

    async def measure(self, what: str, seconds: int) -> None:
        """Says what each connection holds, so long after something."""
        await asyncio.sleep(seconds)
        each = (self.resident_kib() - self.empty_kib) / len(self.writers)
        print(f"{each:7.1f} KiB a connection: {what}, {seconds} s later")

    def say(self, messages: int, characters: int) -> None:
        """A few say so much at once; everybody hears it."""
        for number in range(messages):
            self.writers[number % SPEAKERS].write(event("send_message", {"text": "x" * characters}))


async def main(binary: str, connections: int) -> None:
    """Measures one node."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    node = Node(binary)
    try:
        for _ in range(connections):
            await node.connect()
        await node.measure("connected", 5)
        for writer in node.writers:
            writer.write(event("join_room", {"room_name": "tech", "username": "Member"}))
        await node.measure("joined one room", 10)
        node.say(300, 100)
        await node.measure("300 messages of 100 characters in a burst", 30)
        node.say(200, 2000)
        await node.measure("200 messages of 2,000 characters in a burst", 30)
    finally:
        node.process.kill()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1000))
