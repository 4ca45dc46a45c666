"""A bot that answers `!ping`, also what was asked while it was away, and each once.

    pip install "python-socketio[asyncio_client]"
    python bot.py http://127.0.0.1:5000 general Pingbot
"""

import asyncio
import sys

import socketio

url, room, username = (sys.argv[1:] + ["http://127.0.0.1:5000", "general", "Pingbot"][len(sys.argv) - 1 :])[:3]
sio = socketio.AsyncClient()
start = sio.start_background_task
token = None  # Proves to the next connection that we are the same user.
user_id = None
after = None  # The newest message we know: {"epoch": ..., "id": ...}.
unanswered = {}  # Id to what answers it, until the server has acknowledged that.


# The handlers that keep `after` are no coroutines: those would run later, and out of order.
@sio.on("session")
def on_session(session):
    global token, user_id
    token, user_id = session["token"], session["user_id"]
    # `after` asks for everything that was missed; it follows as ordinary messages.
    request = {"room_name": room, "username": username} | ({"after": after} if after else {})
    start(join, request)


async def join(request):
    await sio.emit("join_room", request, callback=joined)


def joined(answer):
    global after
    if not answer["ok"]:
        print(answer["error"]["message"], file=sys.stderr)
        return
    if not answer.get("recovered"):
        after = {"epoch": answer["epoch"], "id": answer["last_id"]}
    print(f"{answer['username']} is in {answer['room']}", flush=True)
    for message_id in list(unanswered):
        start(reply, message_id)


@sio.on("receive_message")
def on_message(message):
    after["id"] = message["id"]
    if message["user_id"] == user_id or message["text"].strip() != "!ping":
        return
    # The server stores a message with this client_id once, however often it is sent.
    client_id = f"pong-{after['epoch']}-{message['id']}"
    unanswered[message["id"]] = {"text": f"pong, {message['sender']}", "client_id": client_id}
    start(reply, message["id"])


async def reply(message_id):
    message = unanswered.get(message_id)
    if message and sio.connected:  # Otherwise it is sent after the next join.
        await sio.emit("send_message", message, callback=lambda answer: replied(message_id, answer))


def replied(message_id, answer):
    retry_after_ms = answer.get("error", {}).get("retry_after_ms")
    if retry_after_ms is None:
        unanswered.pop(message_id, None)
    else:
        asyncio.get_running_loop().call_later(retry_after_ms / 1000, start, reply, message_id)


@sio.on("gap")
def on_gap(gap):
    global after
    print(f"messages {gap['from']} to {gap['to']} are lost", file=sys.stderr)
    if gap.get("epoch"):
        after = {"epoch": gap["epoch"], "id": gap["to"]}


async def main():
    await sio.connect(url, auth=lambda: {"token": token}, retry=True)
    await sio.wait()


asyncio.run(main())
