// The log: how much of it is in the page, where the reader is in it, and what the menu of a message does.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessible, cleanUp, done, figure, fill, join, LARGE_ROOMS, member, PHONE, say, sees, startBrowser, startServer, texts } from './support.mjs';

let browser;
let server;
before(async () => {
  browser = await startBrowser();
  server = await startServer(LARGE_ROOMS);
});
after(cleanUp);

/** The first message that is wholly in view, and where. */
const firstInView = (page) =>
  page.evaluate(() => {
    const top = document.querySelector('#log').getBoundingClientRect().top;
    const row = [...document.querySelectorAll('.m')].find((m) => m.getBoundingClientRect().top >= top);
    return { text: row.querySelector('.text').textContent, at: row.getBoundingClientRect().top };
  });

const rowsInPage = (page) => page.$$eval('.log li', (rows) => rows.length);

/** Lets the log draw and measure what was asked for. */
const settled = (page) =>
  page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));

test('a reader among thousands of entries is not moved by a new one, and what is out of view is not in the page', async () => {
  const bot = await fill(server.url, 'tech', 7_000);
  const page = await join(browser, server.url, 'Ada', 'tech');
  await sees(page, 'message 7000');
  let most = 0;
  const oldest = async () => Number((await texts(page))[0].split(' ')[1]);
  for (let i = 0; (await oldest()) > 1; i += 1) {
    assert.ok(i < 400, `stuck at ${await oldest()}`);
    await page.evaluate(() => {
      document.querySelector('#log').scrollTop = 0;
    });
    await settled(page);
    most = Math.max(most, await rowsInPage(page));
  }
  assert.ok(most <= 420, `${most} rows`);
  await page.evaluate(() => {
    document.querySelector('#log').scrollTop = 900;
  });
  await settled(page);
  const before = await firstInView(page);
  await bot.say('one more');
  await page.waitForSelector('.pill:has-text("1 new message")');
  await settled(page);
  assert.deepEqual(await firstInView(page), before);
  assert.equal(await oldest(), 1);

  // Down again, page by page: every message once and in order, and none jumps.
  let last = 0;
  for (let i = 0; last < 7_000; i += 1) {
    assert.ok(i < 3_000, `stuck at ${last}`);
    const shown = (await texts(page)).filter((text) => text.startsWith('message')).map((text) => Number(text.split(' ')[1]));
    for (let j = 1; j < shown.length; j += 1) assert.equal(shown[j], shown[j - 1] + 1);
    assert.ok(shown[0] <= last + 1 || last === 0, `${shown[0]} follows ${last}`);
    last = shown.at(-1);
    const moved = await page.evaluate(async () => {
      const log = document.querySelector('#log');
      const row = [...log.querySelectorAll('.m')].at(-20);
      const at = row.getBoundingClientRect().top;
      const from = log.scrollTop;
      log.scrollTop = log.scrollHeight;
      const by = log.scrollTop - from;
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      return row.isConnected ? Math.abs(row.getBoundingClientRect().top - (at - by)) : -1;
    });
    if (last < 6_900) assert.ok(moved >= 0 && moved <= 2, `a row near the end moved by ${moved} px`);
    assert.ok((await rowsInPage(page)) <= 420);
  }
  await page.evaluate(() => {
    document.querySelector('#log').scrollTop = 1e9;
  });
  await sees(page, 'one more');
  await page.waitForSelector('.pill', { state: 'detached' });
  await page.waitForFunction(() => document.querySelectorAll('.log li').length <= 210);
  bot.end();
  await done(page);
});

test('a reader further up in a busy room gets no more rows than fit', async () => {
  const bot = await fill(server.url, 'music', 500);
  const page = await join(browser, server.url, 'Ada', 'music');
  await sees(page, 'message 500');
  await page.hover('#log');
  await page.mouse.wheel(0, -1200);
  await page.waitForSelector('.pill');
  const before = await firstInView(page);
  for (let i = 0; i < 10; i += 1) await Promise.all(Array.from({ length: 100 }, (_, n) => bot.say(`busy ${i * 100 + n}`)));
  await page.waitForFunction(() => document.title.startsWith('(1,000)'));
  assert.deepEqual(await firstInView(page), before);
  const rows = await rowsInPage(page);
  assert.ok(rows <= 420, `${rows} rows`);
  await page.click('.pill');
  await sees(page, 'busy 999');
  bot.end();
  await done(page);
});

/** Which message has the focus, or what else. */
const focused = (page) =>
  page.evaluate(() => {
    const { activeElement: active } = document;
    return active.matches('.m') ? active.querySelector('.text').textContent : active.id || active.tagName;
  });

test('the focus stays in the log when a menu closes, whatever was chosen', async () => {
  const bob = await member(server.url, 'Bob', 'sports');
  const page = await join(browser, server.url, 'Ada', 'sports');
  await bob.say('one');
  await bob.say('two https://a.example/');
  await sees(page, 'two');
  const menuOf = async (presses) => {
    await page.focus('#log');
    for (let i = 0; i < presses; i += 1) await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[role=menu]');
  };
  for (const key of ['Escape', 'Enter']) {
    await menuOf(2);
    if (key === 'Enter') await page.focus('[role=menuitem]:has-text("Copy text")');
    await page.keyboard.press(key);
    await page.waitForSelector('[role=menu]', { state: 'detached' });
    assert.equal(await focused(page), 'one', key);
  }
  await page.keyboard.press('ArrowDown');
  assert.match(await focused(page), /^two/, 'the arrows go on from there');
  // By mouse as well.
  await page.hover('.m:has-text("one")');
  await page.click('.m:has-text("one") .more');
  await page.click('[role=menuitem]:has-text("Copy")');
  await page.waitForSelector('[role=menu]', { state: 'detached' });
  assert.equal(await focused(page), 'one');
  // A mention goes to where it is written.
  await menuOf(2);
  await page.click('[role=menuitem]:has-text("Mention")');
  await page.waitForFunction(() => document.activeElement.id === 'composer');
  assert.equal(await page.inputValue('#composer'), '@Bob ');
  bob.end();
  await done(page);
});

test('the focus stays in the log when a failed message is tried again or discarded', async () => {
  let answer = 'muted';
  const init = (page) =>
    page.routeWebSocket(/socket\.io/, (socket) => {
      const upstream = socket.connectToServer();
      socket.onMessage((packet) => {
        const ack = answer && /^42(\d+)\["send_message"/.exec(String(packet))?.[1];
        if (ack) socket.send(`43${ack}[{"ok":false,"error":{"code":"${answer}","message":"no"}}]`);
        else upstream.send(packet);
      });
    });
  const page = await join(browser, server.url, 'Ada', 'gaming', { init });
  for (const text of ['first', 'second']) {
    await say(page, text);
    await page.waitForSelector(`.m:has-text("${text}") .status.failed`);
  }
  answer = null;
  await page.focus('.m:has-text("first") .status button');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.m:has-text("first") .status', { state: 'detached' });
  assert.equal(await focused(page), 'first');
  await page.focus('.m:has-text("second") .status button:has-text("Discard")');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.status.failed', { state: 'detached' });
  assert.equal(await focused(page), 'log');
  // Who has left the log is not brought back into it.
  await page.focus('#composer');
  await say(page, 'third');
  await sees(page, 'third');
  assert.notEqual(await focused(page), 'log');
  await done(page);
});

for (const [what, prepare] of [
  ['with the clipboard of a secure page', (page) => page.context().grantPermissions(['clipboard-read', 'clipboard-write'])],
  ['over plain HTTP, where pages have no clipboard', (page) => page.addInitScript(() => delete Navigator.prototype.clipboard)],
  [
    'where the browser refuses the clipboard',
    (page) =>
      page.addInitScript(() => {
        navigator.clipboard.writeText = () => Promise.reject(new Error('no'));
      }),
  ],
]) {
  test(`a message is copied, and the page says so: ${what}`, async () => {
    const page = await join(browser, server.url, 'Ada', 'sports', { init: prepare });
    const text = `copy of *this*\n  ${what}`;
    await say(page, text);
    await page.waitForSelector(`.m.own:not(.sending):has-text("${what}")`);
    await page.focus('#log');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Enter');
    await page.focus('[role=menuitem]:has-text("Copy text")');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.flash[role=status]:has-text("Copied")');
    await accessible(page, 'copied');
    // Into the composer by the keyboard, as a reader would.
    await page.focus('#composer');
    await page.keyboard.press('Control+V');
    assert.equal(await page.inputValue('#composer'), text);
    await page.waitForSelector('.flash p', { state: 'detached' });
    await done(page);
  });
}

test('where nothing can be copied the page says so', async () => {
  const init = (page) =>
    page.addInitScript(() => {
      delete Navigator.prototype.clipboard;
      document.execCommand = () => false;
    });
  const page = await join(browser, server.url, 'Ada', 'sports', { init });
  await say(page, 'never copied');
  await page.waitForSelector('.m.own:not(.sending):has-text("never copied")');
  await page.focus('#log');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Enter');
  await page.focus('[role=menuitem]:has-text("Copy text")');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.flash:has-text("did not work")');
  assert.equal(await focused(page), 'never copied');
  await done(page);
});

test('the counter knows both limits, and the server agrees', async () => {
  const tight = await startServer({ MESSAGE_MAX_CHARS: '100' });
  const bob = await member(tight.url, 'Bob', 'tech');
  const { message_max_bytes: size } = bob.session.limits;
  const page = await join(browser, tight.url, 'Ada', 'tech');
  // One character of many bytes: a letter and accents of two bytes each.
  const dense = (bytes) => `a${'\u0301'.repeat((bytes - 1) >> 1)}${bytes % 2 ? '' : 'a'}`;
  for (const [text, hint] of [
    ['a'.repeat(79), ''],
    ['a'.repeat(90), '10 left'],
    ['a'.repeat(101), 'Too long by 1 character'],
    [dense(size - 20), '20 bytes left'],
    [dense(size + 4), 'Too large by 4 bytes'],
  ]) {
    await page.fill('#composer', text);
    await page.waitForFunction((wanted) => document.querySelector('#composer-hint').textContent === wanted, hint);
    assert.equal(await page.isDisabled('.composer .send'), hint.startsWith('Too'));
    assert.equal((await bob.say(text)).ok, !hint.startsWith('Too'), hint);
  }
  await accessible(page, 'too large');
  await page.fill('#composer', dense(size));
  await page.keyboard.press('Enter');
  await sees(page, dense(size));
  bob.end();
  await done(page);
  await tight.stop();
});

test('a megabyte pasted into the composer does not slow the keys down', async () => {
  const init = (page) => page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  const page = await join(browser, server.url, 'Ada', 'sports', { init });
  for (const [what, piece] of [
    ['ASCII', 'lorem ipsum dolor '],
    ['lines', 'lorem\n'],
    ['other letters', 'äöü 日本語 '],
    ['emoji', '👩‍👩‍👧'],
    ['signs', '(@ @a '],
  ]) {
    await page.evaluate((piece) => navigator.clipboard.writeText(piece.repeat(1e6 / piece.length)), piece);
    await page.fill('#composer', 'before, after');
    await page.focus('#composer');
    await page.keyboard.press('Home');
    for (let i = 0; i < 7; i += 1) await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Control+V');
    await page.waitForSelector('.hint:has-text("only its beginning")');
    // What was there before is still there.
    const value = await page.inputValue('#composer');
    assert.ok(value.startsWith('before,') && value.endsWith(' after'), what);
    await page.keyboard.press('Backspace');
    await page.waitForSelector('.hint.over:has-text("Too l")');
    const keys = [];
    for (let i = 0; i < 8; i += 1) {
      const start = performance.now();
      await page.keyboard.press(i % 2 ? 'Backspace' : 'x');
      await settled(page);
      keys.push(performance.now() - start);
    }
    figure(`a key after a megabyte of ${what}`, keys.sort((a, b) => a - b)[4], 250, 'ms');
  }
  // Also where a script puts it there.
  await page.fill('#composer', 'x'.repeat(1e6));
  assert.equal((await page.inputValue('#composer')).length, 8_000);
  await page.waitForSelector('.hint.over:has-text("Too long by 6,000 characters")');
  await done(page);
});

test('on a phone a menu leaves the keyboard closed', async () => {
  const page = await join(browser, server.url, 'Ada', 'sports', PHONE);
  await say(page, 'from a phone');
  await page.waitForSelector('.m.own:not(.sending):has-text("from a phone")');
  await page.click('.m.own:has-text("from a phone") .more');
  await page.click('[role=menuitem]:has-text("Copy")');
  await page.waitForSelector('.flash:has-text("Copied")');
  assert.equal(await focused(page), 'from a phone');
  await done(page);
});
