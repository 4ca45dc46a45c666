// The server as a process: what it answers by default, and how clients live through its end.
// Needs a server of the suite's own, so it is skipped where HUBBUB_URL names a running one.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { Clients, MODES, Server, runningServer } from "./support.mjs";

const skip = runningServer ? "needs a server of its own" : false;

describe("a server of its own", { skip }, () => {
  const started = [];
  const start = async (env) => {
    started.push(await Server.start(env));
    return started.at(-1);
  };
  after(() => started.forEach((server) => server.process.kill("SIGKILL")));

  test("the defaults of the handshake are the original's", async () => {
    const server = await start();
    const answer = await (await fetch(`${server.url}/socket.io/?EIO=4&transport=polling`)).text();
    assert.equal(answer[0], "0");
    const handshake = JSON.parse(answer.slice(1));
    assert.equal(handshake.pingInterval, 25_000);
    assert.equal(handshake.pingTimeout, 20_000);
    assert.deepEqual(handshake.upgrades, ["websocket"]);
    assert.equal(typeof handshake.sid, "string");
    assert.ok(handshake.maxPayload > 0);
    assert.equal(await server.stop(), 0);
  });

  for (const [mode, options] of Object.entries(MODES)) {
    test(`${mode}: SIGTERM is announced, nobody is told to stay away, and the process ends well`, async () => {
      const server = await start();
      const clients = new Clients(server, options);
      const [ada, bob] = [await clients.connect(), await clients.connect()];
      await ada.join("tech", "Ada");
      const ended = server.stop();
      for (const client of [ada, bob]) {
        const { reconnect_in_ms } = await client.next("shutdown");
        assert.ok(Number.isSafeInteger(reconnect_in_ms) && reconnect_in_ms >= 0);
        // After "io server disconnect" the stock client would never come back.
        const reason = await client.next("#disconnect", undefined, 30_000);
        assert.ok(["transport close", "transport error"].includes(reason), reason);
      }
      assert.equal(await ended, 0);
    });

    test(`${mode}: a client lives through a restart of the server`, async () => {
      const first = await start();
      const clients = new Clients(first, { ...options, reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 200 });
      const ada = await clients.connect();
      ada.socket.on("connect", () => ada.emit("join_room", { room_name: "tech", username: "Ada" }));
      await ada.join("tech", "Ada");
      assert.equal(await first.stop(), 0);
      await ada.next("#disconnect");
      const second = await start({ PORT: new URL(first.url).port });
      await ada.next("#connect");
      await ada.next("room_list", (rooms) => rooms.tech.count === 0);
      await ada.next("system_message", ({ text }) => text === "Ada has joined the room");
      assert.equal((await ada.request("send_message", { text: "on the new one" })).ok, true);
      ada.close();
      assert.equal(await second.stop(), 0);
    });
  }
});
