// The page under any path, behind a proxy that takes the prefix away, without a setting.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { hasNginx, startNginx, startProxy } from './proxy.mjs';
import { cleanUp, done, join, open, say, sees, startBrowser, startServer } from './support.mjs';

let browser;
let server;
before(async () => {
  browser = await startBrowser();
  server = await startServer();
});
after(cleanUp);

/** Everything that a reader does with addresses, at `url` (without a slash at its end). */
async function tour(url, { transport }) {
  const pathname = new URL(`${url}/`).pathname.slice(0, -1);
  const requests = [];
  const sockets = [];
  const watch = async (page) => {
    page.on('request', (request) => requests.push(request.url()));
    page.on('websocket', (socket) => {
      sockets.push(socket.url());
      socket.on('framesent', ({ payload }) => String(payload).startsWith('42') && sockets.push('used'));
    });
  };
  // A WebSocket that the proxy does not pass is a fault that the console tells.
  const options = { init: watch, allow: /WebSocket|status of (400|502)/ };
  // The root, a name, a room.
  const ada = await open(browser, `${url}/`, options);
  await ada.waitForSelector('.card :checked');
  await ada.fill('.panel input:not([type=radio])', 'Ada');
  await ada.click('.primary');
  await ada.waitForSelector('#composer');
  assert.equal(new URL(ada.url()).pathname, `${pathname}/general`);
  // A deep link, and one with a slash too many.
  const bob = await join(browser, url, 'Bob', 'tech', options);
  const cy = await open(browser, `${url}/tech/`, options);
  await cy.waitForSelector('.card :checked[value=tech]');
  assert.equal(new URL(cy.url()).pathname, `${pathname}/tech`);
  // A room by click, by Back and Forward, and by reload.
  await ada.click('.rooms button:has-text("tech")');
  await ada.waitForURL(`${url}/tech`);
  await say(ada, 'Hello over there');
  await sees(bob, 'Hello over there');
  await ada.goBack();
  await ada.waitForSelector('h1:has-text("general")');
  await ada.goForward();
  await ada.waitForSelector('h1:has-text("tech")');
  await ada.reload();
  await sees(ada, 'Hello over there');
  // What is fetched late: a dialog, another language, the icon for what is unread.
  await ada.click('[aria-label="Settings"]');
  await ada.selectOption('dialog select', 'de');
  await ada.waitForSelector('dialog h2:has-text("Einstellungen")');
  await ada.keyboard.press('Escape');
  const links = await ada.$$eval('link[rel=icon], link[rel=manifest]', (found) => found.map((link) => link.href));
  for (const link of [...links, `${url}/favicon-unread.svg`, `${url}/icon-192.png`, `${url}/api.txt`]) {
    assert.ok(link.startsWith(`${url}/`), link);
    assert.equal((await fetch(link)).status, 200, link);
  }
  const manifest = await (await fetch(links.find((link) => link.includes('manifest')))).json();
  assert.equal(new URL(manifest.start_url, `${url}/manifest.webmanifest`).href, `${url}/`);
  for (const { src } of manifest.icons) assert.equal((await fetch(`${url}/${src}`)).status, 200, src);
  // Left again: back at the path of the page.
  await ada.click('[aria-label="Einstellungen"]');
  await ada.click('text=Chat verlassen');
  await ada.waitForURL(`${url}/`);
  const astray = requests.filter((request) => !request.startsWith(`${url}/`));
  assert.deepEqual(astray, [], 'nothing is asked for outside of the path');
  const polls = requests.some((request) => request.includes('transport=polling'));
  assert.equal(sockets.includes('used'), transport === 'websocket');
  assert.equal(polls, transport === 'polling');
  await done(ada, bob, cy);
}

test('at the root', () => tour(server.url, { transport: 'websocket' }));

for (const prefix of ['/chat/', '/a/b c/']) {
  test(`under ${prefix}`, async () => {
    const proxy = await startProxy(server.port, { prefix: encodeURI(prefix) });
    await tour(proxy.url, { transport: 'websocket' });
  });
}

test('under a path, where only polling gets through', async () => {
  const proxy = await startProxy(server.port, { prefix: '/chat/', upgrades: 'refuse' });
  await tour(proxy.url, { transport: 'polling' });
});

test('behind nginx, as a stranger writes it', { skip: !hasNginx && 'SKIPPED: nginx is not installed' }, async () => {
  const nginx = await startNginx(server.port, 'location /chat/ { proxy_pass http://hub/; }');
  await tour(`${nginx.url}/chat`, { transport: 'polling' });
  // nginx itself leads to the path with its slash.
  const page = await open(browser, `${nginx.url}/chat`, { allow: /WebSocket/ });
  await page.waitForSelector('.card :checked');
  await done(page);
});

test('behind nginx that passes WebSockets', { skip: !hasNginx && 'SKIPPED: nginx is not installed' }, async () => {
  const nginx = await startNginx(
    server.port,
    `location /chat/ { proxy_pass http://hub/; proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade"; proxy_set_header Host $host; }`,
  );
  await tour(`${nginx.url}/chat`, { transport: 'websocket' });
});

test('two chats of one host keep their names and rooms apart', async () => {
  const other = await startServer();
  const proxy = await startProxy(server.port, { prefix: '/one/', more: [['/two/', other.port]] });
  const page = await join(browser, proxy.url, 'Ada', 'tech');
  const keys = await page.evaluate(() => [...Object.keys(localStorage), ...Object.keys(sessionStorage)]);
  assert.ok(keys.length > 0);
  assert.deepEqual(keys.filter((key) => !key.startsWith('hubbub.one/')), []);
  await page.goto(proxy.url.replace('/one', '/two/'));
  await page.waitForSelector('.card :checked');
  assert.equal(await page.inputValue('.panel input:not([type=radio])'), '');
  await page.goto(`${proxy.url}/`);
  await page.waitForSelector('#composer');
  await done(page);
});
