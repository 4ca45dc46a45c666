"""The contract as the official Python client (asyncio) meets it, over each transport."""

import asyncio
import unittest

from support import HEARTBEAT_DEADLINE, MODES, ROOMS, TIMESTAMP, AsyncClient, OneServer, Proxy, nobody_left


def says(text):
    return lambda payload: payload["text"] == text


def texts(messages):
    return [message["text"] for message in messages]


class Contract(OneServer):
    """One class below for each transport."""

    mode = None

    async def asyncSetUp(self):
        self.transports, self.transport = MODES[self.mode]
        self.clients = []

    async def asyncTearDown(self):
        for client in self.clients:
            await client.close()
        await nobody_left(self.server.url)

    async def connect(self, url=None, **options):
        client = AsyncClient(**options)
        self.clients.append(client)
        await client.connect(url or self.server.url, self.transports)
        self.assertEqual(client.sio.transport(), self.transport)
        return client

    async def test_the_greeting_is_room_list_then_session(self):
        ada = await self.connect()
        self.assertEqual([e["event"] for e in ada.log if e["event"] != "#connect"][:2], ["room_list", "session"])
        rooms = ada.heard("room_list")[0]
        self.assertEqual(list(rooms), ROOMS)
        self.assertEqual(list(rooms.values()), [{"count": 0, "name": name} for name in ROOMS])
        self.assertEqual(ada.heard("session")[0]["server"]["name"], "hubbub")

    async def test_a_join_is_confirmed_counted_and_announced_in_this_order(self):
        ada = await self.connect()
        await ada.emit("join_room", {"room_name": "tech", "username": "Ada"})
        notice = await ada.next("system_message")
        order = [entry["event"] for entry in ada.log]
        confirm = order.index("join_confirm")
        self.assertEqual(order[confirm : confirm + 3], ["join_confirm", "room_update", "system_message"])
        payload = ada.log[confirm]["payload"]
        self.assertEqual((payload["room"], payload["users_count"], payload["username"]), ("tech", 1, "Ada"))
        self.assertEqual(ada.log[confirm + 1]["payload"]["tech"], {"count": 1, "name": "tech"})
        self.assertEqual(notice["text"], "Ada has joined the room")
        self.assertRegex(notice["timestamp"], TIMESTAMP)

    # This client hangs up on a poll with more than 16 packets in it.
    async def test_messages_reach_the_room_once_and_in_order(self):
        ada, bob, eve = await asyncio.gather(self.connect(), self.connect(), self.connect())
        await bob.join("tech", "Bob")
        await eve.join("music", "Eve")
        sent = [f"message {i}" for i in range(100)]
        await ada.emit("join_room", {"room_name": "tech", "username": "Ada"})
        for text in sent:
            await ada.emit("send_message", {"text": text, "ignored": True})
        for client in (ada, bob):
            last = await client.next("receive_message", says(sent[-1]))
            self.assertEqual((last["sender"], last["room"]), ("Ada", "tech"))
            self.assertRegex(last["timestamp"], TIMESTAMP)
            self.assertEqual(texts(client.heard("receive_message")), sent)
        await eve.request("send_message", {"text": "only me"})
        await eve.next("receive_message", says("only me"))
        self.assertEqual(texts(eve.heard("receive_message")), ["only me"])

    async def test_a_client_that_comes_back_is_sent_everything_it_missed(self):
        ada, bob = await asyncio.gather(self.connect(), self.connect())
        joined = await ada.join("tech", "Ada")
        await bob.join("tech", "Bob")
        missed = [f"missed {i}" for i in range(40)]
        for text in missed:
            last = await bob.request("send_message", {"text": text})
        await bob.next("receive_message", says(missed[-1]))
        eve = await self.connect()
        after = {"epoch": joined["epoch"], "id": joined["last_id"]}
        resumed = await eve.request("join_room", {"room_name": "tech", "username": "Eve", "after": after})
        self.assertEqual((resumed["ok"], resumed["recovered"]), (True, True))
        await eve.next("receive_message", lambda message: message["id"] == last["id"])
        self.assertEqual(texts(eve.heard("receive_message")), missed)
        self.assertEqual(eve.heard("#disconnect"), [])

    async def test_switching_rooms_and_leaving_are_told_and_counted(self):
        ada, bob, eve = await asyncio.gather(self.connect(), self.connect(), self.connect())
        await ada.join("tech", "Ada")
        await bob.join("tech", "Bob")
        await eve.next("room_update", lambda rooms: rooms["tech"]["count"] == 2)
        await ada.join("music", "Ada")
        await bob.next("system_message", says("Ada has left the room"))
        await eve.next("room_update", lambda rooms: (rooms["tech"]["count"], rooms["music"]["count"]) == (1, 1))
        await bob.close()
        await eve.next("room_update", lambda rooms: (rooms["tech"]["count"], rooms["music"]["count"]) == (0, 1))
        self.assertEqual((await ada.request("leave_room", {}))["ok"], True)
        await eve.next("room_update", lambda rooms: rooms["music"]["count"] == 0)

    async def test_requests_are_acknowledged(self):
        ada, bob = await asyncio.gather(self.connect(), self.connect())
        await bob.join("tech", "Bob")
        joined = await ada.join("tech", "Ada")
        self.assertEqual((joined["room"], joined["users_count"], joined["username"]), ("tech", 2, "Ada"))
        sent = await ada.request("send_message", {"text": "Grüße 🦀\n<b>"})
        received = await bob.next("receive_message")
        self.assertEqual((sent["ok"], sent["id"], sent["timestamp"]), (True, received["id"], received["timestamp"]))
        self.assertEqual(received["text"], "Grüße 🦀\n<b>")
        self.assertEqual((await ada.request("list_users", {}))["total"], 2)
        self.assertEqual((await ada.request("typing", {"typing": True}))["ok"], True)
        await bob.next("typing", lambda state: [user["username"] for user in state["users"]] == ["Ada"])

    async def test_refusals_say_why_and_cut_nobody_off(self):
        ada = await self.connect()
        cases = [
            ("join_room", {"room_name": "nowhere"}, "unknown_room"),
            ("join_room", {"username": "Ada"}, "invalid_payload"),
            ("send_message", {"text": "hello?"}, "not_in_room"),
            ("send_message", {"text": 1}, "invalid_payload"),
            ("send_message", "text", "invalid_payload"),
        ]
        for event, payload, code in cases:
            with self.subTest(event=event, payload=payload):
                ack = await ada.request(event, payload)
                self.assertEqual((ack["ok"], ack["error"]["code"]), (False, code))
                await ada.emit(event, payload)
                error = await ada.next("error")
                self.assertEqual((error["code"], error["event"]), (code, event))
                if code == "unknown_room":
                    self.assertEqual(error["message"], "Invalid room name")
        await ada.join("tech", "Ada")
        self.assertEqual(ada.heard("#disconnect"), [])

    async def test_after_a_cut_the_client_is_back_and_the_room_goes_on(self):
        proxy = await Proxy(self.server.url).start()
        self.addAsyncCleanup(proxy.stop)
        bob = await self.connect()
        await bob.join("tech", "Bob")
        reconnecting = {"reconnection": True, "reconnection_delay": 0.1, "reconnection_delay_max": 0.5}
        ada = await self.connect(proxy.url, **reconnecting)
        await ada.next("#connect")
        await ada.join("tech", "Ada")
        await bob.next("system_message", says("Ada has joined the room"))
        await proxy.cut(ada)
        await ada.next("#connect", deadline=HEARTBEAT_DEADLINE)
        await ada.next("session")
        await ada.join("tech", "Ada")
        await bob.next("system_message", says("Ada has joined the room"))
        await bob.next("system_message", says("Ada has left the room"), HEARTBEAT_DEADLINE)
        await ada.request("send_message", {"text": "back"})
        await bob.next("receive_message", says("back"))
        self.assertEqual((await bob.request("list_users", {}))["total"], 2)


class Polling(Contract, unittest.IsolatedAsyncioTestCase):
    mode = "polling"


class Websocket(Contract, unittest.IsolatedAsyncioTestCase):
    mode = "websocket"


class Upgrade(Contract, unittest.IsolatedAsyncioTestCase):
    mode = "upgrade"
