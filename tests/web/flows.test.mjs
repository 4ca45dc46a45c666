// What people do, in a real browser; each ends with a clean console.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessible, breakable, cleanUp, done, join, member, open, PHONE, pause, say, sees, startBrowser, startServer, texts } from './support.mjs';

let browser;
let server;
before(async () => {
  browser = await startBrowser();
  server = await startServer();
});
after(cleanUp);

test('two people talk', async () => {
  const ada = await join(browser, server.url, 'Ada', 'tech');
  const bob = await join(browser, server.url, 'Bob', 'tech');
  await say(ada, 'Hello <b>Bob</b> https://example.org/a_(b).');
  await sees(bob, 'Hello <b>Bob</b>');
  assert.equal(await bob.getAttribute('.log .text a', 'href'), 'https://example.org/a_(b)');
  await bob.type('#composer', 'hm @ad');
  await ada.waitForSelector('.typing >> text=Bob is typing');
  await bob.waitForSelector('[role=listbox]');
  await accessible(bob, 'completing a name');
  await bob.keyboard.press('Tab');
  assert.equal(await bob.inputValue('#composer'), 'hm @Ada ');
  await bob.keyboard.press('Enter');
  await ada.waitForSelector('.m.mentioned mark');
  await ada.waitForFunction(() => document.querySelector('.typing')?.textContent === '');
  assert.deepEqual(await texts(ada), await texts(bob));
  assert.equal(await ada.textContent('.presence'), 'Connected, 2 online');
  assert.equal(await ada.title(), '#tech · Hubbub');
  await accessible(ada, 'room');
  await bob.end();
  await ada.waitForSelector('.notice >> text=Bob');
  await done(ada);
});

test('two people of one name are told apart', async () => {
  const one = await join(browser, server.url, 'Sam', 'music');
  const two = await join(browser, server.url, 'Sam', 'music');
  await say(two, 'which of us?');
  await sees(one, 'which of us?');
  await one.waitForFunction(() => document.querySelectorAll('.people-list .tag').length === 1);
  await one.waitForSelector('.m .tag');
  await done(one, two);
});

test('rooms are switched, by click, by Back and by address', async () => {
  // The address of a room that is not there is answered with the page and 404, which the console tells.
  const ada = await join(browser, server.url, 'Ada', 'general', { allow: /status of 404/ });
  await ada.click('.rooms button:has-text("sports")');
  await ada.waitForURL('**/sports');
  await ada.waitForSelector('h1:has-text("sports")');
  await ada.fill('#composer', 'a draft');
  await ada.goBack();
  await ada.waitForSelector('h1:has-text("general")');
  assert.equal(await ada.inputValue('#composer'), '');
  await ada.goForward();
  await ada.waitForSelector('h1:has-text("sports")');
  assert.equal(await ada.inputValue('#composer'), 'a draft');
  await ada.reload();
  await ada.waitForSelector('h1:has-text("sports")');
  await ada.goto(`${server.url}/nowhere`);
  await ada.waitForSelector('.banner:has-text("nowhere")');
  await ada.waitForSelector('h1:has-text("general")');
  await done(ada);
});

test('a name is asked for until it is one', async () => {
  const ada = await open(browser, server.url);
  await ada.waitForSelector('.card :checked');
  await accessible(ada, 'sign-in');
  const field = '.panel input:not([type=radio])';
  for (const [name, problem] of [
    ['  ', 'enter a name'],
    ['x'.repeat(33), '32'],
    ['\u202e', 'cannot be used'],
  ]) {
    await ada.fill(field, name);
    await ada.keyboard.press('Enter');
    await ada.waitForSelector(`#name-error:has-text("${problem}")`);
    assert.equal(await ada.getAttribute(field, 'aria-invalid'), 'true');
  }
  await accessible(ada, 'sign-in with an error');
  await done(ada);
});

test('the name, the look and the language are changed, and the chat is left', async () => {
  const ada = await join(browser, server.url, 'Ada', 'sports');
  const bob = await join(browser, server.url, 'Bob', 'sports');
  await say(ada, 'under my old name');
  await ada.click('[aria-label="Settings"]');
  await ada.fill('dialog .row input', 'Countess');
  await ada.click('dialog .row button');
  await bob.waitForSelector('.people-list >> text=Countess');
  await ada.click('dialog label:has-text("Dark")');
  await ada.waitForFunction(() => getComputedStyle(document.documentElement).colorScheme === 'dark');
  await ada.selectOption('dialog select', 'de');
  await ada.waitForSelector('dialog h2:has-text("Einstellungen")');
  await ada.keyboard.press('Escape');
  await say(ada, 'under my new name');
  await sees(bob, 'under my new name');
  assert.deepEqual((await texts(ada)).slice(-2), ['under my old name', 'under my new name']);
  await ada.reload();
  await ada.waitForSelector('[aria-label="Einstellungen"]');
  await ada.click('[aria-label="Einstellungen"]');
  await ada.click('text=Chat verlassen');
  await ada.waitForSelector('.card :checked');
  assert.equal(new URL(ada.url()).pathname, '/');
  await bob.waitForFunction(() => document.querySelectorAll('.people-list li').length === 1);
  await done(ada, bob);
});

test('on a phone', async () => {
  const ada = await join(browser, server.url, 'Ada', 'tech', PHONE);
  await ada.click('[aria-label="Show rooms"]');
  await ada.waitForSelector('dialog[open].drawer');
  await accessible(ada, 'rooms drawer');
  await ada.keyboard.press('Escape');
  await ada.waitForSelector('dialog', { state: 'detached' });
  assert.equal(await ada.evaluate(() => document.activeElement?.getAttribute('aria-label')), 'Show rooms');
  await ada.click('[aria-label="Show people"]');
  await ada.waitForSelector('dialog[open] .people-list');
  await accessible(ada, 'people drawer');
  await ada.mouse.click(10, 400);
  await ada.waitForSelector('dialog', { state: 'detached' });
  await ada.fill('#composer', 'first line');
  await ada.keyboard.press('Enter');
  await ada.keyboard.type('second line');
  await ada.click('.composer .send');
  await sees(ada, 'first line\nsecond line');
  const overflow = await ada.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(overflow <= 0, `${overflow} px wider than the phone`);
  const small = await ada.$$eval('button:not(.more, .link), .rooms button', (buttons) =>
    buttons.filter((b) => b.getBoundingClientRect().height < 40).map((b) => b.outerHTML.slice(0, 80)),
  );
  assert.deepEqual(small, []);
  await accessible(ada, 'room on a phone');
  await done(ada);
});

test('in the dark, and from right to left', async () => {
  const ada = await join(browser, server.url, 'Ada', 'tech', { colorScheme: 'dark' });
  await accessible(ada, 'dark room');
  await done(ada);
  const noor = await join(browser, server.url, 'نور', 'tech', { locale: 'ar' });
  assert.equal(await noor.getAttribute('html', 'dir'), 'rtl');
  await say(noor, 'مرحبا بالجميع');
  await sees(noor, 'مرحبا');
  await accessible(noor, 'room from right to left');
  const sides = await noor.evaluate(() => [
    document.querySelector('#rooms').getBoundingClientRect().left,
    document.querySelector('#people').getBoundingClientRect().left,
  ]);
  assert.ok(sides[0] > sides[1], 'rooms are on the right');
  await done(noor);
});

test('every language loads', async () => {
  for (const [locale, join] of [
    ['de-DE', 'betreten'],
    ['es-ES', 'Entrar'],
    ['fr-FR', 'Entrer'],
  ]) {
    const page = await open(browser, server.url, { locale });
    await page.waitForSelector(`.primary:has-text("${join}")`);
    await done(page);
  }
});

test('by keyboard alone', async () => {
  const bob = await member(server.url, 'Bob', 'general');
  await bob.say('who is there? https://example.org');
  const ada = await open(browser, server.url);
  await ada.waitForSelector('.card :checked');
  const keys = async (...names) => {
    for (const name of names) await ada.keyboard.press(name);
  };
  await ada.keyboard.type('Ada');
  await keys('Enter');
  await ada.waitForSelector('#composer:focus');
  await ada.keyboard.type('me');
  await keys('Enter');
  await sees(ada, 'me');
  await keys('Alt+ArrowDown');
  await ada.waitForSelector('h1:has-text("tech")');
  await keys('Alt+Digit1');
  await ada.waitForSelector('h1:has-text("general")');
  await sees(ada, 'who is there?');
  await keys('Control+k');
  await ada.waitForSelector('dialog input:focus');
  await accessible(ada, 'switcher');
  await ada.keyboard.type('spo');
  await keys('Enter');
  await ada.waitForSelector('h1:has-text("sports")');
  await keys('Alt+Digit1');
  await sees(ada, 'who is there?');
  await keys('Shift+F6');
  await ada.waitForSelector('#log:focus');
  await keys('Home', 'Enter');
  await ada.waitForSelector('[role=menuitem]:focus');
  await accessible(ada, 'menu of a message');
  await ada.focus('.menu >> text=Mention Bob');
  await keys('Enter');
  await ada.waitForFunction(() => document.querySelector('#composer').value.startsWith('@Bob '));
  await keys('Shift+F6', 'Shift+?');
  await ada.waitForSelector('dialog[open] .keys');
  await accessible(ada, 'help');
  await keys('Escape');
  await ada.waitForSelector('dialog', { state: 'detached' });
  await ada.focus('[aria-label="Settings"]');
  await keys('Enter');
  await ada.waitForSelector('dialog[open] select');
  await accessible(ada, 'settings');
  await keys('Escape');
  bob.end();
  await done(ada);
});

test('a message that gets no answer fails, and is sent once when retried', async () => {
  let deaf = true;
  const init = (page) =>
    page.routeWebSocket(/socket\.io/, (socket) => {
      const upstream = socket.connectToServer();
      socket.onMessage((message) => {
        if (!(deaf && String(message).includes('send_message'))) upstream.send(message);
      });
    });
  const ada = await join(browser, server.url, 'Ada', 'music', { init });
  const bob = await member(server.url, 'Bob', 'music');
  await say(ada, 'lost once');
  await ada.waitForSelector('.m.sending');
  await ada.waitForSelector('.status.failed', { timeout: 15_000 });
  await accessible(ada, 'failed message');
  deaf = false;
  await ada.click('text=Retry');
  await ada.waitForSelector('.status', { state: 'detached' });
  assert.deepEqual(bob.received, ['lost once']);
  bob.end();
  await done(ada);
});

test('too fast: waits as told, keeps the order, loses nothing', async () => {
  const slow = await startServer({ MESSAGE_RATE: '1', MESSAGE_BURST: '2' });
  const ada = await join(browser, slow.url, 'Ada', 'tech');
  for (const text of ['1', '2', '3']) {
    await ada.fill('#composer', text);
    await ada.keyboard.press('Enter');
  }
  await ada.waitForSelector('.status:has-text("Too fast")');
  await accessible(ada, 'too fast');
  await ada.waitForFunction(() => document.querySelectorAll('.m:not(.waiting, .queued, .sending) .text').length === 3);
  assert.deepEqual(await texts(ada), ['1', '2', '3']);
  await done(ada);
  await slow.stop();
});

test('a reload is the same person, told to nobody; a second tab is another', async () => {
  const ada = await join(browser, server.url, 'Ada', 'gaming');
  const bob = await join(browser, server.url, 'Bob', 'gaming');
  await ada.reload();
  await ada.waitForSelector('#composer');
  await say(ada, 'back');
  await sees(bob, 'back');
  assert.equal(await bob.$$eval('.people-list li', (people) => people.length), 2);
  assert.doesNotMatch((await bob.textContent('.log ol')) ?? '', /left|came and went/);
  const twin = await ada.context().newPage();
  await twin.goto(`${server.url}/gaming`);
  await twin.waitForSelector('.card :checked');
  assert.equal(await twin.inputValue('.panel input:not([type=radio])'), 'Ada');
  await twin.click('.primary');
  await twin.waitForSelector('#composer');
  await bob.waitForFunction(() => document.querySelectorAll('.people-list li').length === 3);
  await done(ada, bob);
});

test('who reads further up is not moved, and sees what is new below', async () => {
  const bob = await member(server.url, 'Bob', 'music');
  for (let i = 0; i < 40; i += 1) await bob.say(`line ${i}`);
  const ada = await join(browser, server.url, 'Ada', 'music');
  await sees(ada, 'line 39');
  await ada.hover('#log');
  await ada.mouse.wheel(0, -600);
  await ada.waitForSelector('.pill');
  const top = () => ada.$eval('#log', (log) => log.scrollTop);
  const before = await top();
  await bob.say('new 1');
  await bob.say('new 2');
  await ada.waitForSelector('.pill:has-text("2 new messages")');
  assert.equal(await top(), before);
  await ada.waitForFunction(() => document.title === '(2) #music · Hubbub');
  assert.match((await ada.getAttribute('link[rel=icon]', 'href')) ?? '', /unread/);
  await accessible(ada, 'reading further up');
  await ada.keyboard.press('Escape');
  await ada.waitForSelector('.pill', { state: 'detached' });
  await ada.waitForFunction(() => document.title === '#music · Hubbub');
  bob.end();
  await done(ada);
});

test('small windows, large type and strong contrast', async () => {
  for (const options of [
    { viewport: { width: 320, height: 640 } },
    { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 },
    { forcedColors: 'active' },
    { contrast: 'more', reducedMotion: 'reduce' },
  ]) {
    const ada = await join(browser, server.url, 'Ada', 'tech', options);
    const over = await ada.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(over <= 0, `${JSON.stringify(options)}: ${over} px too wide`);
    await accessible(ada, JSON.stringify(options));
    await done(ada);
  }
});

// The browser itself reports each failed attempt to connect; those lines are not the page's.
const LOST = /WebSocket connection|ERR_|Failed to load resource/;

test('a lost connection is resumed: nothing missing, nothing doubled, nothing marked', async () => {
  const ada = await join(browser, server.url, 'Ada', 'sports', { allow: LOST, init: breakable });
  const bob = await member(server.url, 'Bob', 'sports');
  const before = (await texts(ada)).length;
  await bob.say('before');
  await sees(ada, 'before');
  await ada.evaluate(() => window.breakConnection());
  for (const text of ['missed 1', 'missed 2', 'missed 3']) await bob.say(text);
  await sees(ada, 'missed 3');
  await say(ada, 'after');
  await sees(ada, 'after');
  const since = (await texts(ada)).slice(before);
  assert.deepEqual(since, ['before', 'missed 1', 'missed 2', 'missed 3', 'after']);
  assert.equal(await ada.$('.gap'), null);
  bob.end();
  await done(ada);
});

test('the server restarts under an open page, and others talk meanwhile', async () => {
  const first = await startServer();
  const ada = await join(browser, first.url, 'Ada', 'tech', { allow: LOST });
  await say(ada, 'before the restart');
  await ada.waitForSelector('.m:not(.sending, .queued) .text');
  await first.stop();
  await ada.waitForSelector('.banner.lost');
  await accessible(ada, 'connection lost');
  await say(ada, 'written meanwhile');
  await ada.waitForSelector('.m.queued');
  const second = await startServer({ PORT: first.port });
  const bob = await member(second.url, 'Bob', 'tech');
  await bob.say('said meanwhile');
  await sees(ada, 'said meanwhile');
  await ada.waitForSelector('.m.queued, .m.sending', { state: 'detached' });
  const seen = await texts(ada);
  assert.deepEqual(new Set(seen), new Set(['before the restart', 'said meanwhile', 'written meanwhile']));
  assert.equal(seen.length, 3);
  assert.ok(await ada.$('.gap'), 'what may be missing is marked');
  await pause(100);
  assert.deepEqual(bob.received, ['said meanwhile', 'written meanwhile']);
  bob.end();
  await done(ada);
  await second.stop();
});

test('the look and the language are chosen before there is a name', async () => {
  const ada = await open(browser, server.url);
  await ada.waitForSelector('.card :checked');
  await ada.click('[aria-label="Settings"]');
  await ada.waitForSelector('dialog[open] select');
  assert.equal(await ada.$('dialog >> text=Leave the chat'), null);
  await accessible(ada, 'settings before the room');
  await ada.click('dialog label:has-text("Dark")');
  await ada.selectOption('dialog select', 'fr');
  await ada.waitForSelector('dialog h2:has-text("Réglages")');
  await ada.keyboard.press('Escape');
  await ada.waitForSelector('.primary:has-text("Entrer")');
  await accessible(ada, 'sign-in in the dark');
  await done(ada);
});
