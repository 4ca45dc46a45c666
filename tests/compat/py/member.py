"""A bot as people write them, as a process of its own: connects, joins whenever it is connected, and prints
what it is told, one JSON array a line. `python member.py <url> <sync|async> <name> <transport>…`"""

import asyncio
import json
import sys
import threading

import socketio

OPTIONS = {"reconnection": True, "reconnection_delay": 0.1, "reconnection_delay_max": 0.5}


# The client with threads has one for each event.
speaking = threading.Lock()


def say(event, *payload):
    with speaking:
        print(json.dumps([event, *payload]), flush=True)


def threads(url, name, transports):
    sio = socketio.Client(**OPTIONS)

    @sio.event
    def connect():
        say("#connect")
        sio.emit("join_room", {"room_name": "tech", "username": name})

    sio.on("*", say)
    sio.on("disconnect", lambda reason: say("#disconnect", reason))
    sio.connect(url, transports=transports)
    sio.wait()


async def tasks(url, name, transports):
    sio = socketio.AsyncClient(**OPTIONS)

    @sio.event
    async def connect():
        say("#connect")
        await sio.emit("join_room", {"room_name": "tech", "username": name})

    sio.on("*", say)
    sio.on("disconnect", lambda reason: say("#disconnect", reason))
    await sio.connect(url, transports=transports)
    await sio.wait()


if __name__ == "__main__":
    url, kind, name, *transports = sys.argv[1:]
    if kind == "sync":
        threads(url, name, transports)
    else:
        asyncio.run(tasks(url, name, transports))
    say("#over")
