// Who is who: look-alikes, long names, the lists of rooms and people, and completing a name.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ARTEFACTS, accessible, cleanUp, done, join, member, PHONE, say, sees, startBrowser, startServer } from './support.mjs';

let browser;
let server;
before(async () => {
  browser = await startBrowser();
  server = await startServer();
});
after(cleanUp);

const all = (page, selector) => page.$$eval(selector, (found) => found.map((element) => element.textContent));

test('an impersonator stays marked after leaving', async () => {
  const ada = await join(browser, server.url, 'Ada', 'tech');
  const grace = await member(server.url, 'Grace', 'tech');
  await grace.say('I am Grace');
  await sees(ada, 'I am Grace');
  assert.deepEqual(await all(ada, '.log .tag'), []);
  // With a Cyrillic letter in the middle.
  const impostor = await member(server.url, 'Gr\u0430ce', 'tech');
  await impostor.say('No, I am Grace');
  await sees(ada, 'No, I am Grace');
  impostor.socket.emit('typing', { typing: true });
  await ada.waitForSelector('.typing:has-text("#")');
  const tags = await all(ada, '.log .tag');
  assert.equal(new Set(tags).size, 2, `two tags: ${tags}`);
  const hues = () => ada.$$eval('.log .m.head', (rows) => rows.map((row) => row.style.getPropertyValue('--hue')));
  const before = await hues();
  await accessible(ada, 'look-alikes');
  await ada.screenshot({ path: `${ARTEFACTS}screens/look-alikes.png` });
  impostor.socket.emit('leave_room', {});
  await ada.waitForFunction(() => document.querySelectorAll('.people-list li').length === 2);
  assert.deepEqual(await all(ada, '.log .tag'), tags, 'the tags stay');
  assert.deepEqual(await hues(), before, 'the colours stay');
  assert.match((await all(ada, '.notice')).join(), /#/, 'the notice names the tag');
  // Who comes later sees the same of what was said before.
  const late = await join(browser, server.url, 'Late', 'tech');
  await sees(late, 'No, I am Grace');
  assert.deepEqual(await all(late, '.log .tag'), tags);
  impostor.end();
  grace.end();
  await done(ada, late);
});

test('a name is completed over spaces and by any part, and people of one name are told apart', async () => {
  const people = await Promise.all(
    ['Ada Lovelace', 'Alan Turing', 'Sam', 'Sam', 'Zo\u00eb'].map((name) => member(server.url, name, 'music')),
  );
  const bob = await join(browser, server.url, 'Bob', 'music');
  await bob.waitForFunction(() => document.querySelectorAll('.people-list li').length === 6);
  const options = () => all(bob, '[role=option] .label');
  const typed = async (text) => {
    await bob.fill('#composer', '');
    await bob.type('#composer', text);
  };
  await typed('hello @Ada Lo');
  assert.deepEqual(await options(), ['Ada Lovelace']);
  await bob.keyboard.press('Tab');
  assert.equal(await bob.inputValue('#composer'), 'hello @Ada Lovelace ');
  await typed('@turing');
  assert.deepEqual(await options(), ['Alan Turing']);
  await typed('@zoe');
  assert.deepEqual(await options(), ['Zo\u00eb']);
  await typed('@sam');
  assert.deepEqual(await options(), ['Sam', 'Sam']);
  assert.equal(new Set(await all(bob, '[role=option] .tag')).size, 2);
  await accessible(bob, 'people of one name');
  await bob.screenshot({ path: `${ARTEFACTS}screens/completing.png` });
  await typed('@Sam and then a sentence');
  assert.deepEqual(await options(), []);
  await bob.keyboard.press('Enter');
  await sees(bob, '@Sam and then a sentence');
  for (const person of people) person.end();
  await done(bob);
});

test('long names fit into 320 px, wherever they stand', async () => {
  const names = ['W'.repeat(32), '\uff37'.repeat(32), `${'W'.repeat(15)} ${'M'.repeat(16)}`, '\u0645'.repeat(32)];
  const ada = await join(browser, server.url, 'Ada', 'sports', { viewport: { width: 320, height: 640 } });
  for (const name of names) {
    const [one, other] = [await member(server.url, name, 'sports'), await member(server.url, name, 'sports')];
    await one.say(`@Ada said by ${name}`);
    await other.say(`${name} again`);
    await sees(ada, `${name} again`);
    one.socket.emit('typing', { typing: true });
    await ada.waitForSelector('.typing .dots');
    const fits = async (what) => {
      const over = await ada.evaluate(() => ({
        page: document.documentElement.scrollWidth - innerWidth,
        log: document.querySelector('#log').scrollWidth - document.querySelector('#log').clientWidth,
      }));
      assert.ok(over.page <= 0 && over.log <= 0, `${what} of ${name}: ${JSON.stringify(over)}`);
    };
    await fits('messages and typing');
    await ada.type('#composer', `@${name.slice(0, 3)}`);
    await ada.waitForSelector('[role=option]');
    await fits('completing');
    await ada.screenshot({ path: `${ARTEFACTS}screens/long-name-${names.indexOf(name)}.png` });
    await ada.fill('#composer', '');
    await ada.focus('.log .m:last-child');
    await ada.keyboard.press('Enter');
    await ada.waitForSelector('[role=menu]');
    await fits('the menu');
    await ada.keyboard.press('Escape');
    await one.socket.emitWithAck('join_room', { room_name: 'sports', username: `${name.slice(0, 31)}x` });
    await one.socket.emitWithAck('leave_room', {});
    await other.socket.emitWithAck('leave_room', {});
    await ada.waitForSelector('.notice >> text=Show all');
    await fits('notices');
    for (const button of await ada.$$('.notice .link[aria-expanded=false]')) await button.click();
    await fits('each notice');
    for (const gone of [one, other]) gone.end();
  }
  await ada.screenshot({ path: `${ARTEFACTS}screens/long-names.png` });
  await done(ada);
});

test('rooms in the drawer of a phone have the colour that they have on a desktop', async () => {
  const colour = (page) => page.$eval('.rooms [aria-current] .label', (label) => getComputedStyle(label).color);
  const desktop = await join(browser, server.url, 'Ada', 'gaming');
  const phone = await join(browser, server.url, 'Ada', 'gaming', PHONE);
  await phone.click('[aria-label="Show rooms"]');
  await phone.waitForSelector('dialog[open].drawer');
  assert.equal(await colour(phone), await colour(desktop));
  const padding = await phone.$eval('dialog[open]', (drawer) => getComputedStyle(drawer).padding);
  assert.equal(padding, '0px', 'no rule of the log applies');
  await done(desktop, phone);
});

test('a rename is told in the language of the reader', async () => {
  const ada = await join(browser, server.url, 'Ada', 'general', { locale: 'de-DE' });
  const bob = await join(browser, server.url, 'Bob', 'general');
  const renamed = await member(server.url, 'Eve', 'general');
  renamed.socket.emit('join_room', { room_name: 'general', username: 'Mallory' });
  await ada.waitForSelector('.notice:has-text("heißt jetzt")');
  await bob.waitForSelector('.notice:has-text("is now")');
  const said = async (page) => (await all(page, '.notice')).join('\n').replace(/[\u2066-\u2069]/g, '');
  assert.match(await said(ada), /Eve heißt jetzt Mallory/);
  assert.match(await said(ada), /Ada, Bob und 1 weitere Person sind beigetreten/);
  assert.match(await said(bob), /Eve is now Mallory/);
  await say(bob, 'hallo');
  await sees(ada, 'hallo');
  renamed.end();
  await done(ada, bob);
});
