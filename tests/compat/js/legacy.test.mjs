// The client of the original chatroom's README, to the letter: it connects with default options,
// listens for five events, emits two, and knows no acknowledgement, token, id or error code.
import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { io } from "socket.io-client";
import { Client, MODES, ROOMS, serverUnderTest, withDeadline } from "./support.mjs";

let server;
before(async () => (server = await serverUnderTest()));
after(async () => await server.stop());

// What its page would show.
class Page {
  constructor(url, options = {}) {
    this.rooms = {};
    this.room = null;
    this.lines = [];
    this.alerts = [];
    this.socket = io(url, { forceNew: true, ...options });
    this.socket.on("room_list", (rooms) => this.#show(() => (this.rooms = rooms)));
    this.socket.on("room_update", (rooms) => this.#show(() => (this.rooms = rooms)));
    this.socket.on("join_confirm", (data) =>
      this.#show(() => {
        this.room = data.room;
        this.lines = [`Welcome to ${data.room}, ${data.username}: ${data.users_count} here`];
      }),
    );
    this.socket.on("system_message", (data) => this.#show(() => this.lines.push(`* ${data.text}`)));
    this.socket.on("receive_message", (data) => this.#show(() => this.lines.push(`${data.sender}: ${data.text}`)));
    this.socket.on("error", (data) => this.#show(() => this.alerts.push(data.message)));
  }

  #show(change) {
    change();
    this.onChange?.();
  }

  join(room_name, username) {
    this.socket.emit("join_room", username === undefined ? { room_name } : { room_name, username });
  }

  say(text) {
    this.socket.emit("send_message", { text });
  }

  // The room list as the page draws it.
  get menu() {
    return Object.values(this.rooms).map((room) => `${room.name} (${room.count})`);
  }

  async shows(what, is) {
    const done = new Promise((resolve) => {
      this.onChange = () => is(this) && resolve();
      this.onChange();
    });
    const page = () => `${what}; shown: ${JSON.stringify({ menu: this.menu, lines: this.lines, alerts: this.alerts })}`;
    await withDeadline(done, page);
  }

  async showsLine(line) {
    await this.shows(line, (page) => page.lines.includes(line));
  }
}

const menu = (counts = {}) => ROOMS.map((room) => `${room} (${counts[room] ?? 0})`);
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

for (const [mode, options] of Object.entries({ default: {}, ...MODES })) {
  describe(mode, () => {
    const pages = [];
    const open = (more = {}) => {
      pages.push(new Page(server.url, { ...options, ...more }));
      return pages.at(-1);
    };
    afterEach(async () => {
      for (const page of pages.splice(0)) page.socket.disconnect();
      const watcher = new Client(server.url, { transports: ["websocket"] });
      const empty = (rooms) => Object.values(rooms).every(({ count }) => count === 0);
      if (!empty(await watcher.next("room_list"))) await watcher.next("room_update", empty);
      watcher.close();
    });

    test("two pages talk, switch rooms and leave", async () => {
      const [alice, bob] = [open(), open()];
      for (const page of [alice, bob]) await page.shows("the rooms", (p) => same(p.menu, menu()));

      alice.join("tech", "Alice");
      await alice.showsLine("* Alice has joined the room");
      assert.deepEqual(alice.lines, ["Welcome to tech, Alice: 1 here", "* Alice has joined the room"]);
      await bob.shows("one in tech", (p) => same(p.menu, menu({ tech: 1 })));

      bob.join("tech", "Bob");
      await alice.showsLine("* Bob has joined the room");
      await bob.showsLine("* Bob has joined the room");
      bob.say("Hello, world!");
      for (const page of [alice, bob]) await page.showsLine("Bob: Hello, world!");
      alice.say("Hi Bob");
      await bob.showsLine("Alice: Hi Bob");
      assert.deepEqual(bob.lines, [
        "Welcome to tech, Bob: 2 here",
        "* Bob has joined the room",
        "Bob: Hello, world!",
        "Alice: Hi Bob",
      ]);

      alice.join("music");
      await alice.showsLine("* Anonymous has joined the room");
      await bob.showsLine("* Alice has left the room");
      for (const page of [alice, bob]) await page.shows("both rooms", (p) => same(p.menu, menu({ tech: 1, music: 1 })));
      alice.say("alone");
      await alice.showsLine("Anonymous: alone");
      assert.ok(!bob.lines.includes("Anonymous: alone"));

      alice.socket.disconnect();
      await bob.shows("an empty music room", (p) => same(p.menu, menu({ tech: 1 })));
      assert.deepEqual([...alice.alerts, ...bob.alerts], []);
    });

    test("a wrong room is an error, as it was", async () => {
      const alice = open();
      alice.join("basement", "Alice");
      await alice.shows("an alert", (p) => p.alerts.length === 1);
      assert.deepEqual(alice.alerts, ["Invalid room name"]);
      alice.join("general", "Alice");
      await alice.showsLine("* Alice has joined the room");
    });

    test("nothing is replayed to who comes later", async () => {
      const [alice, bob] = [open(), open()];
      alice.join("tech", "Alice");
      alice.say("before Bob");
      await alice.showsLine("Alice: before Bob");
      bob.join("tech", "Bob");
      await bob.showsLine("* Bob has joined the room");
      alice.say("after");
      await bob.showsLine("Alice: after");
      assert.ok(!bob.lines.includes("Alice: before Bob"));
    });

    test("a page opened from a file may connect", async () => {
      const page = open({ extraHeaders: { Origin: "null" } });
      await page.shows("the rooms", (p) => p.menu.length === ROOMS.length);
      page.join("tech", "Filed");
      await page.showsLine("* Filed has joined the room");
    });
  });
}

test("a browser is allowed to read the answers to a page from a file, or of any origin", async () => {
  for (const origin of ["null", "http://elsewhere.example"]) {
    const answer = await fetch(`${server.url}/socket.io/?EIO=4&transport=polling`, { headers: { Origin: origin } });
    assert.equal(answer.status, 200);
    assert.ok(["*", origin].includes(answer.headers.get("access-control-allow-origin")), origin);
    await answer.text();
    const preflight = await fetch(`${server.url}/socket.io/?EIO=4&transport=polling`, {
      method: "OPTIONS",
      headers: { Origin: origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type" },
    });
    assert.ok(preflight.ok, `${preflight.status}`);
    assert.ok(["*", origin].includes(preflight.headers.get("access-control-allow-origin")), origin);
  }
});
