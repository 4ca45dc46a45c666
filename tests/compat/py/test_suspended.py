"""Processes that are stopped for longer than a heartbeat, as laptops that sleep and busy machines stop them:
the official Python client must come back by itself."""

import asyncio
import json
import signal
import sys
import unittest
from pathlib import Path

from support import HEARTBEAT_DEADLINE, MODES, AsyncClient, OneServer, nobody_left

KINDS = ["sync", "async"]


class Member:
    """A bot in a process of its own."""

    def __init__(self, url, kind, mode):
        self.url, self.kind, self.mode = url, kind, mode
        self.name = f"{kind} {mode}"
        self.heard = []

    async def start(self):
        program = str(Path(__file__).with_name("member.py"))
        transports = MODES[self.mode][0]
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, program, self.url, self.kind, self.name, *transports, stdout=asyncio.subprocess.PIPE
        )
        return self

    async def next(self, event, fits=lambda *payload: True):
        """Reads past what else it is told."""
        try:
            async with asyncio.timeout(HEARTBEAT_DEADLINE):
                while line := await self.process.stdout.readline():
                    found, *payload = json.loads(line)
                    self.heard.append((found, *payload))
                    if found == event and fits(*payload):
                        return
        except TimeoutError:
            pass
        raise AssertionError(f"{self.name}: no {event}; heard {self.heard[-20:]}")

    def signal(self, name):
        self.process.send_signal(name)

    async def stop(self):
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


class Suspended(OneServer, unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        # The last of the clean-ups.
        self.addAsyncCleanup(nobody_left, self.server.url)

    async def check(self, kind, mode):
        member = await Member(self.server.url, kind, mode).start()
        self.addAsyncCleanup(member.stop)
        await member.next("system_message", lambda notice: notice["text"] == f"{member.name} has joined the room")
        member.signal(signal.SIGSTOP)
        left = f"{member.name} has left the room"
        await self.bob.next("system_message", lambda notice: notice["text"] == left, HEARTBEAT_DEADLINE)
        member.signal(signal.SIGCONT)
        await member.next("#connect")
        await member.next("join_confirm")
        await self.bob.emit("send_message", {"text": f"welcome back, {member.name}"})
        await member.next("receive_message", lambda message: message["text"] == f"welcome back, {member.name}")

    async def check_all(self, kind):
        self.bob = AsyncClient()
        await self.bob.connect(self.server.url, ["websocket"])
        self.addAsyncCleanup(self.bob.close)
        await self.bob.join("tech", "Bob")
        # All at once, because each waits for a heartbeat.
        results = await asyncio.gather(*(self.check(kind, mode) for mode in MODES), return_exceptions=True)
        for mode, result in zip(MODES, results, strict=True):
            with self.subTest(mode=mode):
                if result:
                    raise result

    async def test_threads_come_back_and_hear_the_room(self):
        await self.check_all("sync")

    async def test_tasks_come_back_and_hear_the_room(self):
        await self.check_all("async")
