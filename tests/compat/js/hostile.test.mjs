// Behind a proxy that spoils WebSockets a stock client gets in, and chats over polling as if there were none.
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { HOSTILITIES, HostileProxy } from "./hostile-proxy.mjs";
import { Client, Clients, HEARTBEAT_DEADLINE_MS, MODES, serverUnderTest, withDeadline } from "./support.mjs";

// A message's way there and back, on a busy machine. One that waits for the next heartbeat or for an upgrade's
// end takes longer.
const SOON_MS = 2_500;

let server;
before(async () => (server = await serverUnderTest()));
after(async () => await server.stop());

// At once, because each waits for heartbeats.
describe("a WebSocket that", { concurrency: true }, () => {
  const proxies = [];
  const clients = [];
  after(async () => {
    for (const part of [...clients, ...proxies]) part.close();
    await new Clients(server).closeAll();
  });

  for (const [what, hostility] of Object.entries(HOSTILITIES)) {
    test(what, async () => {
      const proxy = await HostileProxy.before(server.url, hostility);
      proxies.push(proxy);
      const bob = new Client(server.url, MODES.websocket);
      await bob.join("tech", "Bob");
      // The defaults: polling first, then a WebSocket is tried beside it.
      const ada = new Client(proxy.url);
      clients.push(bob, ada);
      await ada.next("#connect");
      await ada.join("tech", "Ada");

      const say = async (from, to, text) => {
        await from.request("send_message", { text });
        await to.next("receive_message", (message) => message.text === text, SOON_MS);
      };
      const chat = async (when) => {
        for (let i = 0; i < 5; i++) {
          await say(ada, bob, `${what}: Ada ${when} ${i}`);
          await say(bob, ada, `${what}: Bob ${when} ${i}`);
        }
      };
      await chat("at first");
      // Longer than an unanswered heartbeat is waited for, and than the server waits for an upgrade.
      for (let i = 0; i < 5; i++) {
        await withDeadline(once(ada.socket.io.engine, "ping"), "a heartbeat", HEARTBEAT_DEADLINE_MS);
      }
      await chat("later");
      assert.equal(ada.transport, "polling");
      assert.deepEqual(ada.heard("#disconnect"), []);
      assert.equal(proxy.spoilt, 1, "the upgrade was tried");
    });
  }
});
