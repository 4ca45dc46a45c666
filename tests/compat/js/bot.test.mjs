// examples/bot.mjs, started as its first lines say, against the server.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { copyFile, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Clients, DEADLINE_MS, HEARTBEAT, Proxy, serverUnderTest, withDeadline } from "./support.mjs";

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));

describe("the example bot", () => {
  let server, clients, folder, bot, proxy, lines, changed;
  before(async () => {
    server = await serverUnderTest({ ...HEARTBEAT, RESUME_GRACE: "2s" });
    clients = new Clients(server, { transports: ["websocket"] });
    // The bot finds its one package beside itself.
    folder = await mkdtemp(join(tmpdir(), "hubbub-bot-"));
    await copyFile(path("../../../examples/bot.mjs"), join(folder, "bot.mjs"));
    await symlink(path("../node_modules"), join(folder, "node_modules"));
  });
  beforeEach(() => {
    lines = [];
    changed = () => {};
  });
  // Whatever became of the test, or what it left open would keep the suite from ending.
  afterEach(async () => {
    bot?.kill("SIGKILL");
    proxy?.close();
    await clients.closeAll();
  });
  after(async () => {
    await rm(folder, { recursive: true, force: true });
    await server.stop();
  });

  const start = async (url) => {
    bot = spawn(process.execPath, [join(folder, "bot.mjs"), url, "tech", "Pingbot"], { stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    for (const stream of [bot.stdout, bot.stderr]) {
      stream.on("data", (chunk) => {
        text += chunk;
        lines = text.split("\n");
        changed();
      });
    }
  };
  // Waits until the bot has printed that line as often.
  const printed = async (line, times = 1) => {
    const isThere = () => lines.filter((found) => found.startsWith(line)).length >= times;
    const found = new Promise((resolve) => {
      changed = () => isThere() && resolve();
      changed();
    });
    await withDeadline(found, () => `${times} times ${line} from the bot; it printed ${lines.join("\n")}`, 3 * DEADLINE_MS);
  };

  test("answers !ping, and what was asked while it was away, each once and in order", async () => {
    proxy = await Proxy.before(server.url);
    const ada = await clients.connect();
    await ada.join("tech", "Ada");
    await start(proxy.url);
    await printed("Pingbot is in tech");
    await ada.request("send_message", { text: "just talking" });
    await ada.request("send_message", { text: "!ping" });
    await ada.next("receive_message", ({ text }) => text === "pong, Ada");

    proxy.down();
    await printed("disconnected");
    for (const text of ["!ping", "and", " !ping "]) await ada.request("send_message", { text });
    proxy.up();
    await printed("Pingbot is in tech", 2);
    await ada.next("receive_message", ({ text }) => text === "pong, Ada");
    await ada.next("receive_message", ({ text }) => text === "pong, Ada");

    // A later answer would come behind any that was sent twice.
    await ada.request("send_message", { text: "!ping" });
    await ada.next("receive_message", ({ text }) => text === "pong, Ada");
    const pongs = ada.heard("receive_message").filter(({ text }) => text.startsWith("pong"));
    assert.equal(pongs.length, 4, JSON.stringify(pongs));
    assert.ok(pongs.every(({ sender, user_id }) => sender === "Pingbot" && user_id === pongs[0].user_id));
  });

  test("does not answer itself or anything else", async () => {
    const ada = await clients.connect();
    await ada.join("tech", "Ada");
    await start(server.url);
    await printed("Pingbot is in tech");
    for (const text of ["ping", "!pingpong", "pong, !ping", "!ping"]) await ada.request("send_message", { text });
    await ada.next("receive_message", ({ text }) => text === "pong, Ada");
    assert.equal(ada.heard("receive_message").filter(({ sender }) => sender === "Pingbot").length, 1);
  });
});
