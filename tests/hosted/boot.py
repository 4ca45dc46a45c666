"""Boots the hosted binary with the environment the Shuttle CLI gives it, runs the compat suites
against it, and checks that its end is announced to the clients. Started by tests/hosted/run."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from support import AsyncClient

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "proj_LOCAL"
SECRETS = {
    "SECRET_KEY": "hosted-secret-only-for-tests",
    "MESSAGE_RATE": "0",
    "PING_INTERVAL": "3s",
    "PING_TIMEOUT": "5s",
    "METRICS_ADDR": "127.0.0.1:0",
}
# What the runtime exits with after a signal.
EXIT_AFTER_SIGNAL = 10
BOOT_DEADLINE = 30
END_DEADLINE = 30


class Api(BaseHTTPRequestHandler):
    """As much of the Shuttle API as a booting service asks for."""

    asked = []

    def do_GET(self):
        self.asked.append(self.path)
        if self.path != f"/projects/{PROJECT}/resources/secrets":
            self.send_error(404)
            return
        body = json.dumps(
            {"type": "secrets", "resource_type": "secrets", "state": "ready", "config": None, "output": SECRETS}
        ).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Hosted:
    """The hosted binary, up and answering."""

    def __init__(self, api_url):
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.output = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [os.environ["HUBBUB_SHUTTLE_BIN"]],
            env={
                "PATH": os.environ["PATH"],
                "SHUTTLE_BETA": "true",
                "SHUTTLE_PROJECT_ID": PROJECT,
                "SHUTTLE_PROJECT_NAME": "hubbub",
                "SHUTTLE_ENV": "local",
                "SHUTTLE_RUNTIME_IP": "127.0.0.1",
                "SHUTTLE_RUNTIME_PORT": str(port),
                "SHUTTLE_HEALTHZ_PORT": str(free_port()),
                "SHUTTLE_API": api_url,
            },
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT,
        )
        self._wait_until_ready()

    def _wait_until_ready(self):
        ended = threading.Event()
        threading.Thread(target=lambda: (self.process.wait(), ended.set()), daemon=True).start()
        for _ in range(BOOT_DEADLINE * 20):
            if self._ready():
                return
            # Asked again every 50 ms, and not at all once the process is gone.
            if ended.wait(0.05):
                break
        self.process.kill()
        raise AssertionError(f"the hosted binary did not come up; it said:\n{self.said()}")

    def _ready(self):
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=1) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def said(self):
        self.output.seek(0)
        return self.output.read().decode(errors="replace")

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def end(self):
        try:
            return self.process.wait(timeout=END_DEADLINE)
        finally:
            if self.process.poll() is None:
                self.process.kill()


async def clients_are_told(hosted):
    """SIGTERM reaches the clients as `shutdown`, before their transport closes."""
    ada = await AsyncClient().connect(hosted.url, ["websocket"])
    bob = await AsyncClient().connect(hosted.url, ["polling"])
    await ada.join("tech", "Ada")
    hosted.terminate()
    shutdown = await ada.next("shutdown")
    check(isinstance(shutdown["reconnect_in_ms"], int), f"reconnect_in_ms is {shutdown}")
    await ada.next("#disconnect", deadline=END_DEADLINE)
    # The runtime closes its port at once, so a client that is between two polls cannot be told. It must
    # still see a lost transport, after which clients come back, and not a goodbye.
    reason = await bob.next("#disconnect", deadline=END_DEADLINE)
    check(reason in ("transport close", "transport error"), f"the polling client was told {reason!r}")
    for client in (ada, bob):
        await client.close()


def check(condition, message):
    if not condition:
        raise AssertionError(message)


def run_compat(hosted):
    env = {**os.environ, "HUBBUB_URL": hosted.url}
    done = subprocess.run(
        [str(ROOT / "tests/compat/run")], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    print(done.stdout, flush=True)
    counts = re.search(r"^compat: (\d+) passed, (\d+) failed", done.stdout, re.MULTILINE)
    check(counts is not None, f"the compat suites ended with {done.returncode} and no counts")
    return int(counts[1]), int(counts[2])


def main():
    api = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=api.serve_forever, daemon=True).start()
    api_url = f"http://127.0.0.1:{api.server_address[1]}"
    passed = failed = 0
    hosted = None

    def step(what, check_it):
        nonlocal passed, failed
        try:
            check_it()
        except Exception as error:  # A failed check is counted, and the rest still runs.
            failed += 1
            print(f"not ok - {what}: {error}", flush=True)
        else:
            passed += 1
            print(f"ok - {what}", flush=True)

    try:
        hosted = Hosted(api_url)
        step("it asked the API for its secrets", lambda: check(len(Api.asked) == 1, Api.asked))
        step("metrics have a port of their own", lambda: metrics_are_served(hosted))
        suites_passed, suites_failed = run_compat(hosted)
        passed, failed = passed + suites_passed, failed + suites_failed
        step("SIGTERM is announced to the clients first", lambda: asyncio.run(clients_are_told(hosted)))
        step("it ends with the runtime's exit code", lambda: check_exit(hosted))
        step("no secret is printed", lambda: check(SECRETS["SECRET_KEY"] not in hosted.said(), "the output has one"))
    except AssertionError as error:
        failed += 1
        print(f"not ok - {error}", flush=True)
    finally:
        if hosted and hosted.process.poll() is None:
            hosted.process.kill()
        api.shutdown()
    if failed and hosted:
        print(f"--- what the hosted binary said\n{hosted.said()[-5000:]}")
    print(f"hosted: {passed} passed, {failed} failed")
    return 1 if failed else 0


def metrics_are_served(hosted):
    """METRICS_ADDR opens a listener of its own there too, and the public port has no metrics."""
    told = re.search(r"metrics on (http://\S+)", hosted.said())
    check(told is not None, "no address of the metrics is said")
    with urllib.request.urlopen(told[1], timeout=5) as answer:
        text = answer.read().decode()
    check("\nhubbub_connections " in text, f"the metrics are {text[:300]!r}")
    try:
        urllib.request.urlopen(f"{hosted.url}/metrics", timeout=5).close()
    except urllib.error.HTTPError as error:
        check(error.code == 404, f"/metrics of the public port answers {error.code}")
    else:
        raise AssertionError("/metrics is public")


def check_exit(hosted):
    code = hosted.end()
    check(code == EXIT_AFTER_SIGNAL, f"exit code {code}")


if __name__ == "__main__":
    sys.exit(main())
