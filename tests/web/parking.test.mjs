// A page that nobody looks at closes its connection, and is as it was when it is looked at again.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { accessible, cleanUp, done, join, member, pause, say, sees, startBrowser, startServer, texts } from './support.mjs';

let browser;
let server;
let metrics;
before(async () => {
  const port = await freePort();
  metrics = `http://127.0.0.1:${port}/metrics`;
  browser = await startBrowser();
  server = await startServer({ PARK_AFTER: '1s', METRICS_ADDR: `127.0.0.1:${port}` });
});
after(cleanUp);

async function freePort() {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address();
  taken.close();
  await once(taken, 'close');
  return port;
}

/** Lets a test hide the page, which a browser without windows never does. */
function hideable(page) {
  return page.addInitScript(() => {
    let hidden = false;
    Object.defineProperty(document, 'hidden', { get: () => hidden });
    Object.defineProperty(document, 'visibilityState', { get: () => (hidden ? 'hidden' : 'visible') });
    window.hide = (value) => {
      hidden = value;
      document.dispatchEvent(new Event('visibilitychange'));
    };
  });
}

const withoutWebSocket = async (page) => {
  await hideable(page);
  await page.addInitScript(() => {
    window.WebSocket = class {
      constructor() {
        throw new Error('there is none');
      }
    };
  });
};

const connections = async () => {
  const text = await (await fetch(metrics)).text();
  return Number(/^hubbub_connections (\d+)$/m.exec(text)?.[1]);
};

async function until(what, condition) {
  for (let tried = 0; tried < 200; tried += 1) {
    if (await condition()) return;
    await pause(50);
  }
  assert.fail(`never: ${what}`);
}

for (const [transport, init, room] of [
  ['WebSocket', hideable, 'tech'],
  ['polling', withoutWebSocket, 'music'],
]) {
  test(`over ${transport}: a hidden page has no connection, and misses nothing`, async () => {
    const ada = await join(browser, server.url, 'Ada', room, { init });
    const bob = await member(server.url, 'Bob', room);
    const list = async () => {
      const { users } = await bob.socket.emitWithAck('list_users', {});
      return users.map((user) => `${user.username}${user.away ? ' is away' : ''}`).join(', ');
    };
    await bob.say('before');
    await sees(ada, 'before');
    await ada.fill('#composer', 'half a sentence');
    assert.equal(await connections(), 2);
    const requests = [];
    ada.on('request', (request) => requests.push(request.url()));
    ada.on('websocket', (socket) => requests.push(socket.url()));
    await ada.evaluate(() => window.hide(true));
    await until('Ada is away', async () => (await list()) === 'Ada is away, Bob');
    assert.equal(await connections(), 1);
    requests.length = 0;
    await bob.say('meanwhile');
    await pause(2_000);
    // Nothing is asked for while the page is hidden, and nothing arrives.
    assert.deepEqual(requests, []);
    assert.equal((await texts(ada)).includes('meanwhile'), false);
    assert.equal(await ada.$('.banner'), null);
    await ada.evaluate(() => window.hide(false));
    await sees(ada, 'meanwhile');
    assert.equal(await list(), 'Ada, Bob');
    assert.equal(await ada.inputValue('#composer'), 'half a sentence');
    assert.equal(await ada.$('.banner'), null);
    await say(ada, 'back');
    await until('Bob hears it', () => bob.received.includes('back'));
    assert.deepEqual(await ada.$$eval('.notice', (rows) => rows.filter((row) => /left|came/.test(row.textContent)).length), 0);
    bob.end();
    await done(ada);
    await until('all have left', async () => (await connections()) === 0);
  });
}

test('the list of people says who is away', async () => {
  const ada = await join(browser, server.url, 'Ada', 'sports');
  const bob = await join(browser, server.url, 'Bob', 'sports', { init: hideable });
  await ada.waitForSelector('.people-list .label:has-text("Bob")');
  await bob.evaluate(() => window.hide(true));
  await until('Bob has no connection', async () => (await connections()) === 1);
  // Opened again, the list is asked for.
  await ada.click('[aria-label="Hide people"]');
  await ada.click('[aria-label="Show people"]');
  await ada.waitForSelector('.people-list .person:has-text("Bob"):has-text("away")');
  await accessible(ada, 'somebody is away');
  await bob.evaluate(() => window.hide(false));
  await bob.fill('#composer', 'I am writing');
  await ada.waitForSelector('.people-list .person:has-text("Bob"):not(:has-text("away"))');
  await done(ada, bob);
});
