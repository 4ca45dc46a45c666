// The contract as the official JavaScript client meets it, over each transport.
import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { Clients, MODES, ROOMS, TIMESTAMP, serverUnderTest } from "./support.mjs";

let server;
before(async () => (server = await serverUnderTest()));
after(async () => await server.stop());

const texts = (messages) => messages.map(({ text }) => text);

for (const [mode, options] of Object.entries(MODES)) {
  describe(mode, () => {
    let clients;
    before(() => (clients = new Clients(server, options)));
    afterEach(async () => await clients.closeAll());
    const connect = () => clients.connect();

    test("the greeting is room_list, then session", async () => {
      const ada = await connect();
      assert.equal(ada.transport, mode === "polling" ? "polling" : "websocket");
      assert.deepEqual(ada.log.slice(0, 3).map((e) => e.event).filter((e) => e !== "#connect"), ["room_list", "session"]);
      const [rooms] = ada.heard("room_list");
      assert.deepEqual(Object.keys(rooms), ROOMS);
      for (const room of ROOMS) assert.deepEqual(rooms[room], { count: 0, name: room });
      const [session] = ada.heard("session");
      assert.equal(typeof session.user_id, "string");
      assert.equal(session.server.name, "hubbub");
      assert.equal(typeof session.limits.message_max_chars, "number");
      assert.ok("token" in session);
    });

    test("a join is confirmed, counted and announced, in this order", async () => {
      const ada = await connect();
      ada.emit("join_room", { room_name: "tech", username: "Ada" });
      const notice = await ada.next("system_message");
      const confirm = ada.log.findIndex((e) => e.event === "join_confirm");
      const order = ada.log.slice(confirm).map((e) => e.event);
      assert.deepEqual(order.slice(0, 3), ["join_confirm", "room_update", "system_message"]);
      const { room, users_count, username } = ada.log[confirm].payload;
      assert.deepEqual({ room, users_count, username }, { room: "tech", users_count: 1, username: "Ada" });
      const rooms = ada.log[confirm + 1].payload;
      assert.deepEqual(Object.keys(rooms), ROOMS);
      assert.deepEqual(rooms.tech, { count: 1, name: "tech" });
      assert.equal(notice.text, "Ada has joined the room");
      assert.match(notice.timestamp, TIMESTAMP);
      assert.equal(notice.kind, "joined");
      assert.equal(notice.room, "tech");
      assert.equal(notice.username, "Ada");
    });

    test("who gives no name is Anonymous", async () => {
      const ada = await connect();
      ada.emit("join_room", { room_name: "general" });
      assert.equal((await ada.next("join_confirm")).username, "Anonymous");
      assert.equal((await ada.next("system_message")).text, "Anonymous has joined the room");
    });

    test("counts reach every connection, in a room or not", async () => {
      const [ada, bob, outsider] = await Promise.all([connect(), connect(), connect()]);
      await ada.join("tech", "Ada");
      await outsider.counts({ tech: 1, music: 0 });
      await bob.join("music", "Bob");
      for (const client of [ada, bob, outsider]) {
        const rooms = await client.counts({ tech: 1, music: 1 });
        assert.deepEqual(Object.keys(rooms), ROOMS);
      }
    });

    test("a message reaches the room, its sender included, once, and nobody else", async () => {
      const [ada, bob, eve] = await Promise.all([connect(), connect(), connect()]);
      await Promise.all([ada.join("tech", "Ada"), bob.join("tech", "Bob"), eve.join("music", "Eve")]);
      ada.emit("send_message", { text: "Hello, world!", colour: "red" });
      for (const client of [ada, bob]) {
        const message = await client.next("receive_message");
        assert.equal(message.sender, "Ada");
        assert.equal(message.text, "Hello, world!");
        assert.equal(message.room, "tech");
        assert.match(message.timestamp, TIMESTAMP);
        assert.ok(Number.isSafeInteger(message.id));
        assert.ok(!("colour" in message));
      }
      // Whatever went astray would be here before these.
      await eve.request("send_message", { text: "over here" });
      await ada.request("send_message", { text: "last" });
      await Promise.all([ada, bob].map((c) => c.next("receive_message", ({ text }) => text === "last")));
      await eve.next("receive_message", ({ text }) => text === "over here");
      assert.deepEqual(texts(ada.heard("receive_message")), ["Hello, world!", "last"]);
      assert.deepEqual(texts(bob.heard("receive_message")), ["Hello, world!", "last"]);
      assert.deepEqual(texts(eve.heard("receive_message")), ["over here"]);
    });

    test("what is written in one burst arrives in order at every member", async () => {
      const [ada, bob] = await Promise.all([connect(), connect()]);
      await bob.join("gaming", "Bob");
      const sent = Array.from({ length: 200 }, (_, i) => `message ${i}`);
      ada.emit("join_room", { room_name: "gaming", username: "Ada" });
      for (const text of sent) ada.emit("send_message", { text });
      for (const client of [ada, bob]) {
        await client.next("receive_message", ({ text }) => text === sent.at(-1));
        const received = client.heard("receive_message");
        assert.deepEqual(texts(received), sent);
        const ids = received.map(({ id }) => id);
        assert.deepEqual(ids, ids.map((_, i) => ids[0] + i), "positions without holes");
      }
    });

    test("switching rooms leaves the old one", async () => {
      const [ada, bob, eve] = await Promise.all([connect(), connect(), connect()]);
      await ada.join("tech", "Ada");
      await bob.join("tech", "Bob");
      await eve.join("music", "Eve");
      await ada.join("music", "Ada");
      const left = await bob.next("system_message", ({ text }) => text === "Ada has left the room");
      assert.equal(left.kind, "left");
      assert.equal(left.room, "tech");
      await eve.next("system_message", ({ text }) => text === "Ada has joined the room");
      await bob.counts({ tech: 1, music: 2 });
      await bob.request("send_message", { text: "in tech" });
      await bob.next("receive_message");
      await eve.request("send_message", { text: "in music" });
      await ada.next("receive_message", ({ text }) => text === "in music");
      assert.deepEqual(texts(ada.heard("receive_message")), ["in music"]);
      assert.ok(!texts(ada.heard("system_message")).includes("Ada has left the room"), "a leave is for who stays");
    });

    test("joining the room one is in gives a new name", async () => {
      const [ada, bob] = await Promise.all([connect(), connect()]);
      await bob.join("tech", "Bob");
      await ada.join("tech", "Ada");
      const { username, users_count } = await ada.join("tech", "Countess");
      assert.equal(username, "Countess");
      assert.equal(users_count, 2);
      await ada.request("send_message", { text: "still me" });
      assert.equal((await bob.next("receive_message")).sender, "Countess");
      assert.ok(!texts(bob.heard("system_message")).includes("Ada has left the room"), "nobody left");
    });

    test("a disconnect is told to the room and counted", async () => {
      const [ada, bob] = await Promise.all([connect(), connect()]);
      await ada.join("sports", "Ada");
      await bob.join("sports", "Bob");
      await bob.counts({ sports: 2 });
      ada.close();
      await bob.next("system_message", ({ text }) => text === "Ada has left the room");
      await bob.counts({ sports: 1 });
    });

    test("every request is acknowledged where that was asked", async () => {
      const [ada, bob] = await Promise.all([connect(), connect()]);
      await bob.join("tech", "Bob");
      const joined = await ada.request("join_room", { room_name: "tech", username: "Ada" });
      const { ok, room, users_count, username } = joined;
      assert.deepEqual({ ok, room, users_count, username }, { ok: true, room: "tech", users_count: 2, username: "Ada" });
      const sent = await ada.request("send_message", { text: "hi" });
      assert.equal(sent.ok, true);
      assert.match(sent.timestamp, TIMESTAMP);
      const received = await bob.next("receive_message");
      assert.equal(sent.id, received.id);
      assert.equal(sent.timestamp, received.timestamp);
      assert.equal((await ada.request("typing", { typing: true })).ok, true);
      const typing = await bob.next("typing", ({ users }) => users.length === 1);
      assert.equal(typing.room, "tech");
      assert.equal(typing.users[0].username, "Ada");
      const list = await ada.request("list_users", {});
      assert.equal(list.ok, true);
      assert.equal(list.total, 2);
      assert.deepEqual(list.users.map((u) => u.username).sort(), ["Ada", "Bob"]);
      assert.equal((await ada.request("leave_room", {})).ok, true);
      await bob.next("system_message", ({ text }) => text === "Ada has left the room");
      await bob.counts({ tech: 1 });
    });

    test("a refusal says why, in the acknowledgement or else as an error, and cuts nobody off", async () => {
      const ada = await connect();
      const refused = async (event, payload, code, message) => {
        const ack = await ada.request(event, payload);
        assert.equal(ack.ok, false, `${event} ${JSON.stringify(payload)}`);
        assert.equal(ack.error.code, code, `${event} ${JSON.stringify(payload)}`);
        assert.equal(typeof ack.error.message, "string");
        assert.deepEqual(ada.heard("error").filter((e) => !e.taken), [], "the acknowledgement is enough");
        ada.emit(event, payload);
        const error = await ada.next("error");
        error.taken = true;
        assert.equal(error.code, code);
        assert.equal(error.event, event);
        assert.equal(error.message, ack.error.message);
        if (message) assert.equal(error.message, message);
      };
      await refused("join_room", { room_name: "nowhere", username: "Ada" }, "unknown_room", "Invalid room name");
      await refused("join_room", { room_name: "tech", username: "  " }, "invalid_username");
      await refused("join_room", { username: "Ada" }, "invalid_payload");
      await refused("join_room", "tech", "invalid_payload");
      await refused("send_message", { text: "hello?" }, "not_in_room");
      await refused("list_users", {}, "not_in_room");
      await refused("leave_room", {}, "not_in_room");
      await ada.join("tech", "Ada");
      await refused("send_message", { text: " \n " }, "invalid_text");
      await refused("send_message", { text: "x".repeat(2001) }, "text_too_long");
      await refused("send_message", { text: 42 }, "invalid_payload");
      await refused("send_message", { text: null }, "invalid_payload");
      await refused("send_message", {}, "invalid_payload");
      await refused("send_message", [1, 2], "invalid_payload");
      await refused("send_message", null, "invalid_payload");
      const nothing = await ada.request("send_message");
      assert.equal(nothing.error.code, "invalid_payload");
      assert.equal((await ada.request("send_message", { text: "still here" })).ok, true);
      assert.deepEqual(ada.heard("#disconnect"), []);
    });

    test("text comes back as it was sent", async () => {
      const [ada, bob] = await Promise.all([connect(), connect()]);
      await ada.join("general", "Zoë 🦀");
      await bob.join("general", "Bob");
      const odd = ["👩‍👩‍👧‍👦 Grüße", "<b>not</b> & \"HTML\"", "two\nlines\tand a tab", "日本語 العربية", "e\u0301", "x".repeat(2000)];
      for (const text of odd) await ada.request("send_message", { text });
      await bob.next("receive_message", ({ text }) => text === odd.at(-1));
      assert.deepEqual(texts(bob.heard("receive_message")), odd);
      assert.equal(bob.heard("receive_message")[0].sender, "Zoë 🦀");
    });
  });
}

test("what is sent while the transport upgrades is neither lost, doubled nor reordered", async () => {
  const clients = new Clients(server, MODES.upgrade);
  const ada = clients.make();
  await ada.next("#connect");
  ada.emit("join_room", { room_name: "tech", username: "Ada" });
  const sent = [];
  const send = () => {
    const text = `message ${sent.length}`;
    sent.push(text);
    ada.emit("send_message", { text });
  };
  // One message for every one that came back, and a few in flight, until the upgrade is over.
  for (let i = 0; i < 5; i++) send();
  ada.socket.on("receive_message", () => {
    if (ada.transport !== "websocket") send();
  });
  await ada.upgraded();
  send();
  await ada.next("receive_message", ({ text }) => text === sent.at(-1));
  assert.deepEqual(texts(ada.heard("receive_message")), sent);
  await clients.closeAll();
});
