// The states that a page is seldom in: refused, taken over, about to lose its server, waiting, and full. Each is
// looked for, checked for accessibility, and left as a picture at two sizes, light and dark, under target/web/screens/.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { ARTEFACTS, accessible, cleanUp, join, member, open, say, sees, startBrowser, startServer, takeOver, tokenOf } from './support.mjs';

const FOLDER = `${ARTEFACTS}screens/`;
mkdirSync(FOLDER, { recursive: true });
const LOST = /WebSocket connection|ERR_|Failed to load resource/;

let browser;
let server;
before(async () => {
  browser = await startBrowser();
  server = await startServer({ MESSAGE_RATE: '0' });
});
after(cleanUp);

/** Looks at a page as it is: four pictures, and nothing that axe knows to be wrong in any. */
async function look(page, name) {
  const asked = page.viewportSize();
  for (const [width, height] of [
    [390, 780],
    [1440, 900],
  ]) {
    await page.setViewportSize({ width, height });
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      const path = `${FOLDER}${name}-${width}x${height}-${colorScheme}.png`;
      await page.screenshot({ path, animations: 'disabled' });
      await accessible(page, `${name}, ${width}×${height}, ${colorScheme}`);
    }
  }
  await page.setViewportSize(asked);
}

/** A page whose packets pass through `onPage` and `onServer`, which answer whether to pass them on. */
const between = (onPage, onServer = () => true) => (page) =>
  page.routeWebSocket(/socket\.io/, (socket) => {
    const upstream = socket.connectToServer();
    socket.onMessage((packet) => onPage(String(packet), socket) && upstream.send(packet));
    upstream.onMessage((packet) => onServer(String(packet)) && socket.send(packet));
  });

async function done(...pages) {
  for (const page of pages) {
    assert.deepEqual(page.errors, []);
    await page.end();
  }
}

test('refused: says why, tries nothing by itself, and once more when asked', async () => {
  let tries = 0;
  let full = true;
  const init = between((packet, socket) => {
    if (!packet.startsWith('40')) return true;
    tries += 1;
    if (full) socket.send('44{"message":"There is no room for more people right now."}');
    return !full;
  });
  const ada = await open(browser, server.url, { init });
  await ada.waitForSelector('dialog[open] >> text=no room for more');
  assert.equal(await ada.$('.banner.lost'), null, 'nothing is lost, and nothing tried');
  await look(ada, 'refused');
  // Neither Escape nor the network's coming back is an answer.
  await ada.keyboard.press('Escape');
  await ada.evaluate(() => dispatchEvent(new Event('online')));
  assert.equal(tries, 1);
  await ada.click('dialog button');
  await ada.waitForFunction(() => document.querySelector('dialog[open]'));
  full = false;
  await ada.click('dialog button');
  await ada.waitForSelector('dialog', { state: 'detached' });
  await ada.waitForSelector('.card :checked');
  assert.equal(tries, 3);
  await done(ada);
});

test('taken over: goes on elsewhere until it is taken back', async () => {
  const token = {};
  const ada = await join(browser, server.url, 'Ada', 'tech', { init: (page) => tokenOf(page, token) });
  const bob = await join(browser, server.url, 'Bob', 'tech');
  await say(ada, 'from here');
  await sees(bob, 'from here');
  const elsewhere = await takeOver(server.url, token.value, 'Ada', 'tech');
  await ada.waitForSelector('dialog[open] >> text=elsewhere');
  assert.equal(await ada.$('.banner.lost'), null, 'nothing is lost');
  await look(ada, 'elsewhere');
  await elsewhere.say('from elsewhere');
  await sees(bob, 'from elsewhere');
  await ada.evaluate(() => dispatchEvent(new Event('online')));
  assert.ok(elsewhere.socket.connected, 'not taken back unasked');
  const ousted = new Promise((resolve) => elsewhere.socket.once('disconnect', resolve));
  await ada.click('dialog button');
  assert.equal(await ousted, 'io server disconnect');
  await ada.waitForSelector('dialog', { state: 'detached' });
  await sees(ada, 'from elsewhere');
  await say(ada, 'and back');
  await sees(bob, 'and back');
  // The same person all the time: nobody came or went.
  assert.equal(await bob.$$eval('.people-list li', (people) => people.length), 2);
  assert.doesNotMatch((await bob.textContent('.log ol')) ?? '', /left|came and went/);
  await done(ada, bob);
});

test('a server that goes away says so before it does, and when to expect it', async () => {
  const going = await startServer();
  // The notice alone comes first, as from a server with many connections to end.
  let notice = '42["shutdown",{"reconnect_in_ms":60000}]';
  const init = (page) =>
    page.routeWebSocket(/socket\.io/, (socket) => {
      const upstream = socket.connectToServer();
      socket.onMessage((packet) => upstream.send(packet));
      upstream.onMessage((packet) => {
        socket.send(packet);
        if (!String(packet).includes('join_confirm') || !notice) return;
        socket.send(notice);
        notice = null;
      });
    });
  const ada = await join(browser, going.url, 'Ada', 'tech', { allow: LOST, init });
  await ada.waitForSelector('.banner.lost:has-text("The server restarts. Back in")');
  assert.match((await ada.textContent('.presence')) ?? '', /^Connected/);
  const seconds = async () => Number(/in (\d+) s/.exec((await ada.textContent('.banner')) ?? '')?.[1]);
  const first = await seconds();
  assert.ok(first > 50 && first <= 60, `${first} s`);
  await ada.waitForFunction((n) => !document.querySelector('.banner').textContent.includes(` ${n} s`), first);
  assert.ok((await seconds()) < first, 'counts down');
  await say(ada, 'still here');
  await ada.waitForSelector('.m:not(.sending, .queued) .text');
  await look(ada, 'restarting');
  await going.stop('SIGTERM');
  await ada.waitForSelector('.dot:not(.on)');
  const back = await startServer({ PORT: going.port });
  await ada.waitForSelector('.dot.on');
  await ada.waitForSelector('.banner.lost', { state: 'detached' });
  await done(ada);
  await back.stop();
});

test('what the focus has passed is read', async () => {
  const bob = await member(server.url, 'Bob', 'music');
  for (let i = 0; i < 40; i += 1) await bob.say(`line ${i}`);
  const ada = await join(browser, server.url, 'Ada', 'music');
  await sees(ada, 'line 39');
  await ada.hover('#log');
  await ada.mouse.wheel(0, -900);
  await ada.waitForSelector('.pill');
  for (const text of ['new 1', 'new 2', 'new 3']) await bob.say(text);
  await ada.waitForSelector('.pill:has-text("3 new messages")');
  const focus = (text) =>
    ada.evaluate((wanted) => {
      const rows = [...document.querySelectorAll('.m')];
      rows.find((row) => row.querySelector('.text').textContent === wanted).focus({ preventScroll: true });
    }, text);
  await focus('line 20');
  await focus('new 2');
  await ada.waitForSelector('.pill:has-text("1 new message")');
  await ada.waitForFunction(() => document.title.startsWith('(1)'));
  await focus('new 3');
  await ada.waitForFunction(() => document.title === '#music · Hubbub');
  bob.end();
  await done(ada);
});

test('waiting: a room that takes its time, and a message that does', async () => {
  let held = false;
  const init = between((packet) => !(held && /join_room|send_message/.test(packet)));
  const ada = await join(browser, server.url, 'Ada', 'sports', { init });
  await say(ada, 'Sent a while ago');
  await ada.waitForSelector('.m:not(.sending) .text');
  held = true;
  await say(ada, 'Still on its way');
  await ada.waitForSelector('.m.sending');
  assert.equal(await ada.$eval('.m.sending .text', (text) => getComputedStyle(text).opacity), '0.6');
  await ada.waitForFunction(() => getComputedStyle(document.querySelector('.status.late')).visibility === 'visible');
  await ada.screenshot({ path: `${FOLDER}pending.png` });
  await accessible(ada, 'a pending message');
  await ada.keyboard.press('Alt+Digit1');
  await ada.waitForSelector('h1:has-text("general")');
  await ada.waitForFunction(() => getComputedStyle(document.querySelector('.skeleton')).visibility === 'visible');
  await look(ada, 'skeleton');
  await done(ada);
});

test('full: many rooms, many people, long names, a long talk', async () => {
  const rooms = Array.from({ length: 24 }, (_, i) => (i === 3 ? 'a-room-with-quite-a-long-name-indeed' : `room-${i + 1}`));
  const busy = await startServer({ ROOMS: rooms.join(','), MESSAGE_RATE: '0' });
  const names = Array.from({ length: 60 }, (_, i) => (i % 20 === 7 ? `Wilhelmina Abernathy-Featherst${i}` : `Guest ${i}`));
  const people = await Promise.all(names.map((name) => member(busy.url, name, rooms[0])));
  for (let i = 0; i < 150; i += 1) {
    await people[(i >> 1) % 60].say(i % 9 === 4 ? `${'A longer thought, as people have them. '.repeat(6)}${i}` : `Message ${i}`);
  }
  const card = await open(browser, busy.url);
  await card.waitForSelector('.card :checked');
  await look(card, 'full-sign-in');
  await done(card);
  const ada = await join(browser, busy.url, 'Ada', rooms[0]);
  await sees(ada, 'Message 149');
  await look(ada, 'full');
  await ada.setViewportSize({ width: 390, height: 780 });
  for (const button of ['Show rooms', 'Show people']) {
    await ada.click(`[aria-label="${button}"]`);
    await ada.waitForSelector('dialog[open]');
    await ada.screenshot({ path: `${FOLDER}full-${button.slice(5)}-390x780.png`, animations: 'disabled' });
    await accessible(ada, `full: ${button}`);
    await ada.keyboard.press('Escape');
    await ada.waitForSelector('dialog', { state: 'detached' });
  }
  await done(ada);
  await busy.stop();
});

test('what cannot be loaded says so and is loaded when asked again; nothing that was typed is lost', async () => {
  const isRoom = /\/assets\/room-[^/]*\.js/;
  let failing = true;
  const init = (page) => page.route(isRoom, (route) => (failing ? route.abort() : route.continue()));
  const ada = await open(browser, `${server.url}/tech`, { allow: LOST, init });
  await ada.waitForSelector('.card :checked');
  await ada.fill('.panel input:not([type=radio])', 'Ada');
  await ada.click('.primary');
  await ada.waitForSelector('.banner >> text=could not be loaded');
  assert.equal(await ada.inputValue('.panel input:not([type=radio])'), 'Ada');
  await look(ada, 'not-loaded');
  failing = false;
  await ada.click('text=Try again');
  await ada.waitForSelector('#composer');
  assert.equal(await ada.$('.banner'), null);
  // The same for a page that comes back to its room, on a line that is slow before it fails.
  failing = true;
  await ada.fill('#composer', 'a draft');
  await ada.reload();
  await ada.waitForSelector('.loading .banner >> text=could not be loaded');
  failing = false;
  await ada.click('text=Try again');
  await ada.waitForSelector('#composer');
  assert.equal(await ada.inputValue('#composer'), 'a draft');
  await done(ada);
});
