// Finding messages and rooms again: searching, links, invitations, and not reading everybody.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessible, cleanUp, done, fill, join, LARGE_ROOMS, member, open, say, sees, startBrowser, startServer, texts } from './support.mjs';

let browser;
let server;
before(async () => {
  browser = await startBrowser();
  server = await startServer(LARGE_ROOMS);
});
after(cleanUp);

const row = (text) => `.m:has(.text:text-is("${text}"))`;

test('a message far back is found, shown with what is around it, and linked to', async () => {
  const bot = await fill(server.url, 'tech', 2000, (n) => (n === 500 ? 'the needle, at last' : `straw ${n}`));
  const ada = await join(browser, server.url, 'Ada', 'tech');
  await sees(ada, 'straw 2000');
  await ada.keyboard.press('Control+f');
  await ada.waitForSelector('dialog input[type=search]:focus');
  await ada.keyboard.type('NEEDLE last');
  await ada.waitForSelector('dialog .pinned:has-text("the needle")');
  await accessible(ada, 'search');
  await ada.fill('dialog input', 'nothing has this');
  await ada.waitForSelector('dialog [role=status]:has-text("Nothing was found")');
  await ada.fill('dialog input', 'needle');
  await ada.click('dialog .pinned:has-text("the needle")');
  await ada.waitForSelector('.m.marked:focus:has-text("the needle")');
  await sees(ada, 'straw 499');
  await sees(ada, 'straw 501');

  // What is between is loaded when it is wanted, and nothing twice or out of order.
  const numbers = async () =>
    (await texts(ada)).flatMap((text) => (text.startsWith('straw') ? Number(text.slice(6)) : []));
  const before = await numbers();
  await ada.click('.gap .older');
  await ada.waitForFunction(
    (count) => document.querySelectorAll('.log .text').length > count,
    before.length,
  );
  const now = await numbers();
  assert.deepEqual(now, [...new Set(now)].sort((a, b) => a - b));

  // The link is the same for others, who see the message first.
  await ada.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await ada.hover('.m.marked');
  await ada.click('.m.marked .more');
  await ada.click('.menu >> text=Copy link');
  const link = await ada.evaluate(() => navigator.clipboard.readText());
  assert.match(link, /\/tech#m\d+$/);
  const bob = await open(browser, link);
  await bob.waitForSelector('.card :checked');
  await bob.fill('.panel input:not([type=radio])', 'Bob');
  await bob.click('.primary');
  await bob.waitForSelector('.m.marked:has-text("the needle")');
  assert.equal(new URL(bob.url()).hash, '');
  await bob.keyboard.press('Escape');
  await sees(bob, 'straw 2000');
  bot.end();
  await done(ada, bob);
});

test('who is ignored is not read, and only here', async () => {
  const bob = await member(server.url, 'Bob', 'music');
  const ada = await join(browser, server.url, 'Ada', 'music');
  await bob.say('spam');
  await sees(ada, 'spam');
  await ada.hover(row('spam'));
  await ada.click(`${row('spam')} .more`);
  await ada.click('.menu >> text=Ignore Bob');
  await ada.waitForSelector(row('spam'), { state: 'detached' });
  await bob.say('more spam');
  await say(ada, 'quiet here');
  await sees(ada, 'quiet here');
  assert.deepEqual(await texts(ada), ['quiet here']);
  await ada.reload();
  await sees(ada, 'quiet here');
  assert.deepEqual(await texts(ada), ['quiet here']);
  await ada.click('[aria-label="Settings"]');
  await ada.waitForSelector('dialog .ignored');
  await accessible(ada, 'settings with somebody ignored');
  await ada.click('dialog >> text=Stop ignoring Bob');
  await ada.keyboard.press('Escape');
  await sees(ada, 'more spam');
  bob.end();
  await done(ada);
});

test('an empty room is an invitation', async () => {
  const ada = await join(browser, server.url, 'Ada', 'gaming');
  await ada.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await accessible(ada, 'an empty room');
  await ada.click('.invite >> text=Copy link');
  await ada.waitForSelector('.flash:has-text("Copied")');
  assert.equal(await ada.evaluate(() => navigator.clipboard.readText()), `${server.url}/gaming`);
  await ada.click('.invite >> text=QR code');
  await ada.waitForSelector('dialog .qr path');
  await accessible(ada, 'a QR code');
  await ada.keyboard.press('Escape');
  await say(ada, 'not empty any more');
  await ada.waitForSelector('.invite', { state: 'detached' });
  await done(ada);
});
