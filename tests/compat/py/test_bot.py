"""examples/bot.py, started as its first lines say, against the server."""

import asyncio
import sys
import unittest
from pathlib import Path

from support import DEADLINE, AsyncClient, Proxy, Server, nobody_left

BOT = Path(__file__).parents[3] / "examples" / "bot.py"


class Bot:
    """The example as a process."""

    def __init__(self):
        self.lines = []

    async def start(self, url):
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, str(BOT), url, "tech", "Pingbot", stdout=asyncio.subprocess.PIPE
        )
        return self

    async def printed(self, line):
        async with asyncio.timeout(3 * DEADLINE):
            while found := (await self.process.stdout.readline()).decode().strip():
                if found == line:
                    return
        raise AssertionError(f"the bot ended without {line!r}")

    async def stop(self):
        self.process.kill()
        await self.process.wait()


def is_pong(message):
    return message["text"] == "pong, Ada"


class TestBot(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.server = Server()
        self.ada = await AsyncClient().connect(self.server.url, ["websocket"])
        await self.ada.join("tech", "Ada")
        self.proxy = await Proxy(self.server.url).start()

    async def asyncTearDown(self):
        await self.ada.close()
        await nobody_left(self.server.url)
        await self.proxy.stop()
        self.server.stop()

    async def say(self, *texts):
        for text in texts:
            answer = await self.ada.request("send_message", {"text": text})
            self.assertTrue(answer["ok"], answer)

    async def test_it_answers_ping_and_what_was_asked_while_it_was_away_each_once(self):
        bot = await Bot().start(self.proxy.url)
        try:
            await bot.printed("Pingbot is in tech")
            await self.say("just talking", "!pingpong", "!ping")
            await self.ada.next("receive_message", is_pong)

            await self.proxy.cut_all()
            await self.say("!ping", "and", " !ping ")
            self.proxy.is_up = True
            await bot.printed("Pingbot is in tech")
            await self.ada.next("receive_message", is_pong)
            await self.ada.next("receive_message", is_pong)

            # A later answer would come behind any that was sent twice.
            await self.say("!ping")
            await self.ada.next("receive_message", is_pong)
            pongs = [m for m in self.ada.heard("receive_message") if m["sender"] == "Pingbot"]
            self.assertEqual(len(pongs), 4, pongs)
            self.assertEqual(len({pong["user_id"] for pong in pongs}), 1, pongs)
        finally:
            await bot.stop()
