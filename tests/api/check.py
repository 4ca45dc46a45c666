"""Starts a server with some messages, and checks its descriptions and what it answers against them.
Ends with one line of counts, and with 1 if anything failed."""

import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import urllib.request

import jsonschema
from openapi_spec_validator import validate
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

# Longest wait, in seconds, for one answer.
DEADLINE = 10
# Longest time, in seconds, for schemathesis.
RUN_DEADLINE = 240
TOKEN = "the-token-of-the-admin-of-a-test-server"
EXAMPLES = 30
HERE = pathlib.Path(__file__).parent


class Server:
    """A server of this run's own."""

    def __init__(self):
        self.process = subprocess.Popen(
            [os.environ["HUBBUB_BIN"]],
            env={
                "PATH": os.environ["PATH"],
                "HOST": "127.0.0.1",
                "PORT": "0",
                "ADMIN_TOKEN": TOKEN,
                # The tools are faster than people.
                "MESSAGE_RATE": "0",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        watchdog = threading.Timer(DEADLINE, self.process.kill)
        watchdog.start()
        line = self.process.stdout.readline()
        watchdog.cancel()
        address = re.search(r"listening on (http://\S+)", line)
        if not address:
            raise RuntimeError(f"no address from the server: {line!r}")
        self.url = address[1]

    def stop(self):
        self.process.terminate()
        if self.process.wait(timeout=30) != 0:
            raise AssertionError("the server did not end well")

    def ask(self, path, body=None, headers=()):
        request = urllib.request.Request(self.url + path, data=body, headers=dict(headers))
        with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
            return answer.read().decode()

    def read(self, path):
        return json.loads(self.ask(path, headers={"Authorization": f"Bearer {TOKEN}"}.items()))


def chat(server):
    """Joins a room and sends messages over long polling. Returns every event from the server."""
    path = "/socket.io/?EIO=4&transport=polling"
    sid = json.loads(server.ask(path)[1:])["sid"]
    path += f"&sid={sid}"
    join = {"room_name": "general", "username": "Alice", "history": 5, "users": True}
    packets = ["40", "42" + json.dumps(["join_room", join])]
    for number in range(5):
        packets.append("42" + json.dumps(["send_message", {"text": f"message {number}"}]))
    packets.append("42" + json.dumps(["typing", {"typing": True}]))
    packets.append("42" + json.dumps(["send_message", {}]))
    packets.append("42" + json.dumps(["send_message", {"text": "last"}]))
    for packet in packets:
        server.ask(path, body=packet.encode())
    events = []
    while not any(name == "receive_message" and p["text"] == "last" for name, p in events):
        for packet in server.ask(path).split("\x1e"):
            if packet == "2":
                server.ask(path, body=b"3")
            elif packet.startswith("42"):
                events.append(json.loads(packet[2:]))
    return events


def check_events(asyncapi, events):
    """Every event is as its description says."""
    resource = Resource(contents=asyncapi, specification=DRAFT202012)
    registry = Registry().with_resource("urn:asyncapi", resource)
    seen = set()
    for name, payload in events:
        pointer = f"urn:asyncapi#/components/messages/{name}/payload"
        validator = jsonschema.Draft202012Validator({"$ref": pointer}, registry=registry)
        validator.validate(payload)
        seen.add(name)
    expected = {"room_list", "session", "join_confirm", "receive_message", "error"}
    if expected - seen:
        raise AssertionError(f"events that did not come: {expected - seen}")


def check_asyncapi(asyncapi):
    path = HERE / "node_modules/@asyncapi/specs/schemas/3.0.0.json"
    schema = json.loads(path.read_text())
    jsonschema.validators.validator_for(schema)(schema).validate(asyncapi)


def check_server(server):
    """Requests made from the description, valid and not, are answered as it says."""
    pathlib.Path("openapi.json").write_text(json.dumps(server.read("/api/v1/openapi.json")))
    command = [
        pathlib.Path(sys.executable).parent / "schemathesis",
        f"--config-file={HERE / 'schemathesis.toml'}",
        "run",
        "openapi.json",
        f"--url={server.url}/api/v1",
        f"--header=Authorization: Bearer {TOKEN}",
        f"--max-examples={EXAMPLES}",
        # Its answer never ends. tests/socket/event_streams.rs has it.
        "--exclude-path-regex=/events$",
        "--seed=1",
        "--no-color",
    ]
    done = subprocess.run(command, timeout=RUN_DEADLINE, check=False)
    if done.returncode != 0:
        raise AssertionError("schemathesis found something")


def main():
    server = Server()
    failed = 0
    with contextlib.ExitStack() as stack:
        stack.callback(server.stop)
        asyncapi = server.read("/api/v1/asyncapi.json")
        checks = [
            ("openapi.json is valid", lambda: validate(server.read("/api/v1/openapi.json"))),
            ("asyncapi.json is valid", lambda: check_asyncapi(asyncapi)),
            ("events are as described", lambda: check_events(asyncapi, chat(server))),
            ("answers are as described", lambda: check_server(server)),
        ]
        for name, check in checks:
            try:
                check()
                print(f"ok: {name}")
            except Exception as error:
                failed += 1
                print(f"FAILED: {name}: {error}")
    print(f"api: {len(checks) - failed} passed, {failed} failed")
    return int(failed > 0)


sys.exit(main())
