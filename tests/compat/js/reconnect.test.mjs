// A network that breaks: connections end without a goodbye, and the stock client comes back by itself.
import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { Clients, HEARTBEAT_DEADLINE_MS, MODES, Proxy, serverUnderTest } from "./support.mjs";

let server;
let proxy;
before(async () => {
  server = await serverUnderTest();
  proxy = await Proxy.before(server.url);
});
after(async () => {
  proxy.close();
  await server.stop();
});

const RECONNECTING = { reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 200 };

for (const [mode, options] of Object.entries(MODES)) {
  describe(mode, () => {
    let clients;
    before(() => (clients = new Clients(server, options)));
    afterEach(async () => await clients.closeAll());

    test("after a cut the client is back, joins again, and the room goes on", async () => {
      const bob = await clients.connect();
      await bob.join("tech", "Bob");
      const ada = await clients.connect(RECONNECTING, proxy.url);
      // What every application does: join whenever the connection is there.
      ada.socket.on("connect", () => ada.emit("join_room", { room_name: "tech", username: "Ada" }));
      await ada.join("tech", "Ada");
      await bob.next("system_message", ({ text }) => text === "Ada has joined the room");
      await bob.request("send_message", { text: "before" });
      await ada.next("receive_message", ({ text }) => text === "before");

      await proxy.cut(ada);
      await ada.next("#connect", undefined, HEARTBEAT_DEADLINE_MS);
      await ada.next("room_list", (rooms) => rooms.tech.count >= 1);
      await ada.next("session");
      assert.equal((await ada.next("join_confirm", ({ room }) => room === "tech")).username, "Ada");

      // The lost connection is missed once, the new one announced once, in whatever order.
      await bob.next("system_message", ({ text }) => text === "Ada has joined the room");
      await bob.next("system_message", ({ text }) => text === "Ada has left the room", HEARTBEAT_DEADLINE_MS);
      assert.equal((await ada.request("list_users", {})).total, 2);

      await bob.request("send_message", { text: "welcome back" });
      await ada.next("receive_message", ({ text }) => text === "welcome back");
      await ada.request("send_message", { text: "thanks" });
      await bob.next("receive_message", ({ text }) => text === "thanks");
      const left = bob.heard("system_message").filter(({ text }) => text === "Ada has left the room");
      assert.equal(left.length, 1);
      assert.deepEqual(bob.heard("receive_message").map(({ text }) => text), ["before", "welcome back", "thanks"]);
    });

    test("what the client kept back while away is answered", async () => {
      const ada = await clients.connect(RECONNECTING, proxy.url);
      await ada.join("tech", "Ada");
      await proxy.cut(ada);
      // The stock client sends what it kept before the application can join again.
      const answer = await ada.request("send_message", { text: "while away" });
      assert.equal(answer.ok, false);
      assert.equal(answer.error.code, "not_in_room");
    });

    test("five cuts in a row leave one member and no ghost", async () => {
      const bob = await clients.connect();
      await bob.join("gaming", "Bob");
      const ada = await clients.connect(RECONNECTING, proxy.url);
      for (let i = 0; i < 5; i++) {
        await ada.join("gaming", `Ada ${i}`);
        await proxy.cut(ada);
        await ada.next("#connect", undefined, HEARTBEAT_DEADLINE_MS);
        await ada.next("session");
      }
      await ada.join("gaming", "Ada");
      for (let i = 0; i < 5; i++) {
        await bob.next("system_message", ({ text }) => text === `Ada ${i} has left the room`, HEARTBEAT_DEADLINE_MS);
      }
      const { total, users } = await ada.request("list_users", {});
      assert.equal(total, 2);
      assert.deepEqual(users.map((u) => u.username).sort(), ["Ada", "Bob"]);
    });
  });
}
