// What the JavaScript suites share: a server to talk to, a client that remembers what it was
// told, and a TCP proxy that can break. Nothing here sleeps: every wait has an event and a deadline.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import { createInterface } from "node:readline";
import { io } from "socket.io-client";

// Longest wait for anything that should happen at once.
export const DEADLINE_MS = 10_000;
// Longest wait for what needs a missed heartbeat first (HEARTBEAT below, and some room).
export const HEARTBEAT_DEADLINE_MS = 30_000;
// Short heartbeats, so that a polling client whose connection was cut is missed within seconds.
export const HEARTBEAT = { PING_INTERVAL: "3s", PING_TIMEOUT: "5s" };
// The suites talk faster than people do.
export const NO_LIMITS = { MESSAGE_RATE: "0" };

export const ROOMS = ["general", "tech", "sports", "music", "gaming"];
export const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

// The ways a client may get to the server; the suites run over each of them.
export const MODES = {
  polling: { transports: ["polling"] },
  websocket: { transports: ["websocket"] },
  upgrade: { transports: ["polling", "websocket"] },
};

// The address of a server somebody else started, or nothing.
export const runningServer = process.env.HUBBUB_URL;

export function withDeadline(promise, what, ms = DEADLINE_MS) {
  let timer;
  const deadline = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${ms} ms without: ${typeof what === "function" ? what() : what}`)), ms);
  });
  return Promise.race([promise, deadline]).finally(() => clearTimeout(timer));
}

// A server process of the suite's own.
export class Server {
  static async start(env = {}) {
    const server = new Server();
    const binary = process.env.HUBBUB_BIN;
    assert.ok(binary, "HUBBUB_BIN names no server; start the suites with tests/compat/run");
    server.process = spawn(binary, [], {
      env: { PATH: process.env.PATH, HOST: "127.0.0.1", PORT: "0", SECRET_KEY: "for these tests only", ...NO_LIMITS, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    server.stderr = "";
    server.process.stderr.on("data", (chunk) => (server.stderr += chunk));
    server.exited = once(server.process, "exit").then(([code, signal]) => code ?? signal);
    server.url = await withDeadline(server.#address(), () => `an address from the server; it said:\n${server.stderr}`);
    return server;
  }

  async #address() {
    for await (const line of createInterface({ input: this.process.stdout })) {
      const address = /listening on (http:\/\/\S+)/.exec(line);
      if (address) return address[1];
    }
    throw new Error(`the server ended before it listened:\n${this.stderr}`);
  }

  // Ends the server as an operator would, and says how it ended.
  async stop(signal = "SIGTERM") {
    this.process.kill(signal);
    return await withDeadline(this.exited, `the end of the server after ${signal}`, 30_000);
  }
}

// The server under test: the running one, or one of the suite's own.
export async function serverUnderTest(env = HEARTBEAT) {
  if (!runningServer) return await Server.start(env);
  return { url: runningServer, stop: async () => 0 };
}

// A client that keeps everything it was told, in order.
export class Client {
  #waiting = new Set();

  constructor(url, options = {}) {
    this.log = [];
    this.socket = io(url, { forceNew: true, reconnection: false, ...options });
    this.socket.onAny((event, ...args) => this.#heard(event, args));
    for (const event of ["connect", "disconnect", "connect_error"]) {
      this.socket.on(event, (...args) => this.#heard(`#${event}`, args));
    }
  }

  #heard(event, args) {
    this.log.push({ event, payload: args[0], seen: false });
    for (const look of this.#waiting) look();
  }

  // The first event of this name, not yet taken, that fits; waits for it.
  async next(event, fits = () => true, ms = DEADLINE_MS) {
    let look;
    const found = new Promise((resolve) => {
      look = () => {
        const entry = this.log.find((e) => !e.seen && e.event === event && fits(e.payload));
        if (!entry) return;
        entry.seen = true;
        // Immediately, or it would take a second one that comes in the same read.
        this.#waiting.delete(look);
        resolve(entry.payload);
      };
      this.#waiting.add(look);
      look();
    });
    const heard = () => `${event}; heard ${JSON.stringify(this.log.map((e) => [e.event, e.payload])).slice(-2000)}`;
    return await withDeadline(found, heard, ms).finally(() => this.#waiting.delete(look));
  }

  emit(event, payload) {
    this.socket.emit(event, payload);
  }

  // Sends with an acknowledgement asked for, and answers it.
  async request(event, ...payload) {
    return await this.socket.timeout(DEADLINE_MS).emitWithAck(event, ...payload);
  }

  async join(room, username) {
    const ack = await this.request("join_room", { room_name: room, username });
    assert.equal(ack.ok, true, JSON.stringify(ack));
    return ack;
  }

  // All payloads of one event so far.
  heard(event) {
    return this.log.filter((e) => e.event === event).map((e) => e.payload);
  }

  counts(expected) {
    return this.next("room_update", (rooms) => Object.entries(expected).every(([room, n]) => rooms[room].count === n));
  }

  get transport() {
    return this.socket.io.engine?.transport?.name;
  }

  async upgraded() {
    const { engine } = this.socket.io;
    if (engine.transport.name !== "websocket") {
      await withDeadline(new Promise((done) => engine.once("upgrade", done)), "the upgrade to websocket");
    }
  }

  close() {
    this.socket.disconnect();
  }
}

// Clients of one test: made by `connect`, all closed by `closeAll`.
export class Clients {
  #open = [];

  constructor(server, options) {
    this.server = server;
    this.options = options;
  }

  make(options = {}, url = this.server.url) {
    const client = new Client(url, { ...this.options, ...options });
    this.#open.push(client);
    return client;
  }

  // A client that is connected, greeted, and on the last transport it will be on.
  async connect(options, url) {
    const client = this.make(options, url);
    await client.next("#connect");
    await client.next("session");
    if (client.socket.io.opts.transports.length > 1) await client.upgraded();
    return client;
  }

  // Closes all of them and waits until the server has missed them, so that the next test counts from 0.
  async closeAll() {
    for (const client of this.#open.splice(0)) client.close();
    const watcher = new Client(this.server.url, { transports: ["websocket"] });
    const empty = (rooms) => Object.values(rooms).every(({ count }) => count === 0);
    try {
      const rooms = await watcher.next("room_list");
      if (!empty(rooms)) await watcher.next("room_update", empty, HEARTBEAT_DEADLINE_MS);
    } finally {
      watcher.close();
    }
  }
}

// A way to the server that can break, as networks do.
export class Proxy {
  #sockets = new Set();
  #up = true;

  static async before(url) {
    const proxy = new Proxy();
    const { hostname, port } = new URL(url);
    proxy.listener = net.createServer((near) => {
      if (!proxy.#up) return near.on("error", () => {}).destroy();
      const far = net.connect(Number(port), hostname);
      for (const socket of [near, far]) {
        proxy.#sockets.add(socket);
        socket.setNoDelay(true);
        socket.on("error", () => {}); // a reset is what a cut looks like
        socket.on("close", () => {
          proxy.#sockets.delete(socket);
          near.destroy();
          far.destroy();
        });
      }
      near.pipe(far).pipe(near);
    });
    proxy.listener.listen(0, "127.0.0.1");
    await once(proxy.listener, "listening");
    proxy.url = `http://127.0.0.1:${proxy.listener.address().port}`;
    return proxy;
  }

  // Every connection is gone at once, without a goodbye, and none gets through until `up`.
  // (Not `resetAndDestroy`: on a socket that is already ending it can keep node 20 from exiting.)
  down() {
    this.#up = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  up() {
    this.#up = true;
  }

  // Breaks until this client has noticed; a poller between two polls needs a moment for that.
  async cut(client) {
    this.down();
    await client.next("#disconnect", undefined, HEARTBEAT_DEADLINE_MS);
    this.up();
  }

  close() {
    this.listener.close();
    this.down();
  }
}
