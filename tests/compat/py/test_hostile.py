"""Behind a proxy that spoils WebSockets the official Python client gets in, and chats over polling as if
there were none."""

import asyncio
import unittest

import aiohttp
from hostile_proxy import HOSTILITIES, HostileProxy
from support import HEARTBEAT_DEADLINE, ROOMS, AsyncClient, OneServer, SyncClient, nobody_left

# A message's way there and back, on a busy machine, in seconds. One that waits for the next heartbeat or for
# an upgrade's end takes longer.
SOON = 2.5
# This client polls only once its upgrade has failed, which must be before a heartbeat is missed.
THREADS = {"request_timeout": 2}
TASKS = {"websocket_extra_options": {"timeout": aiohttp.ClientWSTimeout(ws_receive=2)}}
# With tasks it waits for the answer to a handshake for ever, whatever the server.
UNANSWERED = {"is never answered", "is never answered although the server agreed"}


class Threads:
    """The client with threads, as a coroutine sees it."""

    def __init__(self, **options):
        self.client = SyncClient(**options)

    def __getattr__(self, name):
        method = getattr(self.client, name)
        if name in ("connect", "next", "request", "close"):
            return lambda *args: asyncio.to_thread(method, *args)
        return method


class Hostile(OneServer, unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        # The last of the clean-ups.
        self.addAsyncCleanup(nobody_left, self.server.url)

    async def say(self, sender, reader, text):
        self.assertTrue((await sender.request("send_message", {"text": text}))["ok"])
        await reader.next("receive_message", lambda message: message["text"] == text, SOON)

    async def chat(self, ada, bob, when):
        for number in range(5):
            await self.say(ada, bob, f"Ada {when} {number}")
            await self.say(bob, ada, f"Bob {when} {number}")

    async def check(self, ada, what, hostility, room):
        proxy = await HostileProxy(self.server.url, hostility).start()
        self.addAsyncCleanup(proxy.stop)
        bob = AsyncClient()
        self.addAsyncCleanup(bob.close)
        await bob.connect(self.server.url, ["websocket"])
        await bob.request("join_room", {"room_name": room, "username": f"Bob {what}"[:32]})
        self.addAsyncCleanup(ada.close)
        await ada.connect(proxy.url, ["polling", "websocket"])
        await ada.request("join_room", {"room_name": room, "username": f"Ada {what}"[:32]})
        await self.chat(ada, bob, f"at first: {what}")
        # Each heartbeat ends a poll. Longer than the server waits for an answer to one, or for an upgrade.
        await proxy.more_polls(5, 2 * HEARTBEAT_DEADLINE)
        await self.chat(ada, bob, f"later: {what}")
        self.assertEqual(ada.sio.transport(), "polling")
        self.assertEqual(ada.heard("#disconnect"), [])
        self.assertEqual(proxy.spoilt, 1, "the upgrade was tried")

    async def check_all(self, make, hostilities):
        # All at once, because each waits for heartbeats; few in a room, because each hears the others.
        checks = (
            self.check(make(), what, HOSTILITIES[what], ROOMS[number % len(ROOMS)])
            for number, what in enumerate(hostilities)
        )
        results = await asyncio.gather(*checks, return_exceptions=True)
        for what, result in zip(hostilities, results, strict=True):
            with self.subTest(f"a WebSocket that {what}"):
                if result:
                    raise result

    async def test_threads_chat_over_polling(self):
        await self.check_all(lambda: Threads(**THREADS), list(HOSTILITIES))

    async def test_tasks_chat_over_polling(self):
        await self.check_all(lambda: AsyncClient(**TASKS), [what for what in HOSTILITIES if what not in UNANSWERED])
