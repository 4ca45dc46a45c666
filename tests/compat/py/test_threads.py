"""The official Python client with threads, over each transport; and as the original's README has it."""

import threading
import unittest

import socketio

from support import DEADLINE, MODES, ROOMS, TIMESTAMP, OneServer, SyncClient, empty


class MainFlow(OneServer):
    """One class below for each transport."""

    mode = None

    def connect(self):
        transports, transport = MODES[self.mode]
        client = SyncClient()
        client.connect(self.server.url, transports)
        self.addCleanup(client.close)
        self.assertEqual(client.sio.transport(), transport)
        return client

    def test_the_main_flow(self):
        ada, bob = self.connect(), self.connect()
        rooms = ada.next("room_list")
        self.assertEqual(list(rooms), ROOMS)
        self.assertTrue(empty(rooms))

        ada.sio.emit("join_room", {"room_name": "tech", "username": "Ada"})
        confirm = ada.next("join_confirm")
        self.assertEqual((confirm["room"], confirm["users_count"], confirm["username"]), ("tech", 1, "Ada"))
        self.assertEqual(ada.next("system_message")["text"], "Ada has joined the room")
        for client in (ada, bob):
            client.next("room_update", lambda rooms: rooms["tech"] == {"count": 1, "name": "tech"})

        self.assertEqual(bob.request("join_room", {"room_name": "tech"})["username"], "Anonymous")
        ada.next("system_message", lambda notice: notice["text"] == "Anonymous has joined the room")
        sent = bob.request("send_message", {"text": "Hello, world!"})
        for client in (ada, bob):
            message = client.next("receive_message")
            self.assertEqual((message["sender"], message["text"], message["room"]), ("Anonymous", "Hello, world!", "tech"))
            self.assertRegex(message["timestamp"], TIMESTAMP)
            self.assertEqual(message["id"], sent["id"])

        bob.sio.emit("join_room", {"room_name": "music", "username": "Bob"})
        ada.next("system_message", lambda notice: notice["text"] == "Anonymous has left the room")
        bob.sio.emit("join_room", {"room_name": "basement"})
        self.assertEqual(bob.next("error")["message"], "Invalid room name")
        refused = bob.request("send_message", {"text": ""})
        self.assertEqual((refused["ok"], refused["error"]["code"]), (False, "invalid_text"))

        bob.close()
        ada.next("room_update", lambda rooms: (rooms["tech"]["count"], rooms["music"]["count"]) == (1, 0))
        ada.request("leave_room", {})
        ada.next("room_update", empty)


class Polling(MainFlow, unittest.TestCase):
    mode = "polling"


class Websocket(MainFlow, unittest.TestCase):
    mode = "websocket"


class Upgrade(MainFlow, unittest.TestCase):
    mode = "upgrade"


class Legacy(OneServer, unittest.TestCase):
    """No options, no acknowledgements: five events in, two out."""

    def test_the_client_of_the_readme(self):
        shown = []
        done = threading.Event()
        sio = socketio.Client()

        @sio.on("room_list")
        def on_room_list(rooms):
            shown.append(", ".join(f"{room['name']} ({room['count']})" for room in rooms.values()))
            sio.emit("join_room", {"room_name": "tech", "username": "Alice"})

        @sio.on("join_confirm")
        def on_join_confirm(data):
            shown.append(f"{data['username']} is in {data['room']} with {data['users_count'] - 1} others")
            sio.emit("send_message", {"text": "Hello, world!"})

        @sio.on("room_update")
        def on_room_update(rooms):
            shown.append(f"tech has {rooms['tech']['count']}")

        @sio.on("system_message")
        def on_system_message(data):
            shown.append(data["text"])

        @sio.on("receive_message")
        def on_receive_message(data):
            shown.append(f"{data['sender']}: {data['text']}")
            done.set()

        sio.connect(self.server.url)
        self.addCleanup(sio.disconnect)
        self.assertTrue(done.wait(DEADLINE), shown)
        # Each event has a thread of its own in this client, so only the set is certain.
        self.assertEqual(
            set(shown),
            {
                "general (0), tech (0), sports (0), music (0), gaming (0)",
                "Alice is in tech with 0 others",
                "tech has 1",
                "Alice has joined the room",
                "Alice: Hello, world!",
            },
        )
