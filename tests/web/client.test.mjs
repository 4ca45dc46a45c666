// The client module outside of a browser: in Node, against the real server, over connections that break.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { atEnd, cleanUp, done, member, open, pause, startBrowser, startServer } from './support.mjs';

const web = new URL('../../web/', import.meta.url).pathname;
const out = mkdtempSync(join(tmpdir(), 'hubbub-client-'));
let createChat;
let built;
before(async () => {
  const vite = join(web, 'node_modules/vite/bin/vite.js');
  const options = ['--ssr', 'client/src/index.ts', '--outDir', out, '--emptyOutDir', '--logLevel', 'warn'];
  execFileSync('node', [vite, 'build', ...options], { cwd: web });
  symlinkSync(join(web, 'node_modules'), join(out, 'node_modules'));
  built = await import(pathToFileURL(join(out, 'index.js')));
  ({ createChat } = built);
});
after(async () => {
  await cleanUp();
  rmSync(out, { recursive: true });
});

/** A wire between client and server that can be cut. */
async function wire(port) {
  const ends = new Set();
  const proxy = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    for (const [one, other] of [
      [near, far],
      [far, near],
    ]) {
      ends.add(one);
      one.on('error', () => {});
      one.on('close', () => {
        ends.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${proxy.address().port}`,
    cut() {
      for (const end of ends) end.resetAndDestroy();
    },
    close: () => proxy.close(),
  };
}

test('every message once and in order, over a connection that is cut again and again', async () => {
  const server = await startServer({ MESSAGE_RATE: '0' });
  const line = await wire(server.port);
  const chat = createChat(line.url, { firstRetryMs: 50 });
  atEnd(() => chat.close());
  atEnd(() => line.close());
  const seen = [];
  const fates = new Map();
  const joins = [];
  chat.on('joined', ({ continuity, history }) => {
    joins.push(continuity);
    seen.push(...history.map((message) => message.text));
  });
  chat.on('message', ({ message }) => seen.push(message.text));
  chat.on('outgoing', (item) => fates.set(item.text, item.state));
  chat.connect();
  chat.join('tech', 'Ada');
  while (joins.length === 0) await pause(20);

  const bob = await member(server.url, 'Bob', 'tech');
  const COUNT = 300;
  for (let i = 0; i < COUNT; i += 1) {
    chat.send(`ada ${i}`);
    bob.shout(`bob ${i}`);
    if (i % 30 === 29) line.cut();
    await pause(10);
  }
  const settled = () => [...fates.values()].every((state) => state === 'sent');
  for (let i = 0; i < 300 && !(settled() && seen.length >= 2 * COUNT); i += 1) await pause(50);

  const of = (list, who) => list.filter((text) => text.startsWith(who));
  const wanted = (who) => Array.from({ length: COUNT }, (_, i) => `${who} ${i}`);
  assert.ok(settled());
  for (const who of ['ada', 'bob']) {
    assert.deepEqual(of(seen, who), wanted(who), `${who} at the one whose wire was cut`);
    assert.deepEqual(of(bob.received, who), wanted(who), `${who} at the other`);
  }
  assert.deepEqual(seen, bob.received.slice(-seen.length), 'one order for both');
  assert.ok(joins.length > 5, `${joins.length} joins`);
  assert.deepEqual(new Set(joins.slice(1)), new Set(['resumed']));
  console.log(`    ${seen.length} messages, ${joins.length - 1} times resumed`);
  bob.end();
});

/** Two people in two rooms each, over the promises of `createClient`; returns what happened. */
async function conversation({ createClient, HubbubError }, url) {
  const [ada, bob] = [createClient(url), createClient(url)];
  try {
    const rooms = await Promise.all(['tech', 'music'].map((room) => ada.join(room, 'Ada')));
    const others = await Promise.all(['tech', 'music'].map((room) => bob.join(room, 'Bob')));
    const seen = [];
    const arrived = Promise.all(
      others.map((room) => new Promise((resolve) => {
        room.on('message', () => {
          throw new Error('this listener is broken');
        });
        room.once('message', ({ message }) => {
          seen.push(`${room.name}: ${message.text}`);
          resolve();
        });
      })),
    );
    const sent = await Promise.all(rooms.map((room) => room.send(`hello ${room.name}`)));
    await arrived;
    const refused = await rooms[0].send('').catch((error) => error instanceof HubbubError && error.code);
    return {
      ids: sent.every(({ id }) => id > 0),
      seen: seen.sort(),
      refused,
      users: others.map((room) => room.users.map(({ username }) => username).sort()),
      rooms: bob.rooms.map(({ name }) => name).filter((name) => ['tech', 'music'].includes(name)).sort(),
      joined: bob.joined.map(({ name }) => name),
    };
  } finally {
    ada.close();
    bob.close();
  }
}
const HAPPENED = {
  ids: true,
  seen: ['music: hello music', 'tech: hello tech'],
  refused: 'invalid_text',
  users: [['Ada', 'Bob'], ['Ada', 'Bob']],
  rooms: ['music', 'tech'],
  joined: ['tech', 'music'],
};

test('node talks in several rooms, with the package and with /client.js', async (t) => {
  t.mock.method(console, 'error', () => {});
  const server = await startServer();
  assert.deepEqual(await conversation(built, server.url), HAPPENED);
  const answer = await fetch(`${server.url}/client.js`);
  const path = join(out, 'client.mjs');
  writeFileSync(path, await answer.text());
  assert.deepEqual(await conversation(await import(pathToFileURL(path)), server.url), HAPPENED);
});

test('a page of another origin imports /client.js and talks in several rooms', async () => {
  const server = await startServer();
  const site = createHttpServer((_, response) => {
    response.setHeader('content-type', 'text/html');
    response.end('<!doctype html><title>Another site</title><link rel="icon" href="data:,">');
  });
  await new Promise((resolve) => site.listen(0, '127.0.0.1', resolve));
  atEnd(() => site.close());
  const browser = await startBrowser();
  const page = await open(browser, `http://127.0.0.1:${site.address().port}/`);
  const happened = await page.evaluate(
    async ([code, url]) => {
      const module = await import(`${url}/client.js`);
      return await new Function(`return ${code}`)()(module, url);
    },
    [conversation.toString(), server.url],
  );
  assert.deepEqual(happened, HAPPENED);
  assert.deepEqual([...new Set(page.errors)], ['Error: this listener is broken']);
  page.errors.length = 0;
  await done(page);
});
