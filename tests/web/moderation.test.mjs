// People in charge: what they do in the room, and what everybody sees of it.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessible, breakable, cleanUp, done, join, say, sees, startBrowser, startServer, texts } from './support.mjs';

const LOST = /WebSocket connection|ERR_|Failed to load resource/;
const ADMIN_TOKEN = 'the-token-of-the-admin-of-a-test-server';

let browser;
let server;
before(async () => {
  browser = await startBrowser();
  server = await startServer({ MESSAGE_RATE: '0', ADMIN_TOKEN });
});
after(cleanUp);

const row = (text) => `.m:has(.text:text-is("${text}"))`;
const inCharge = (room) => `${room}#token=${ADMIN_TOKEN}`;

async function menu(page, text, action) {
  await page.hover(row(text));
  await page.click(`${row(text)} .more`);
  await page.click(`.menu >> text=${action}`);
}

test('a moderator runs the room, and everybody sees how it is run', async () => {
  const ada = await join(browser, server.url, 'Ada', inCharge('tech'));
  const bob = await join(browser, server.url, 'Bob', 'tech', { allow: LOST, init: breakable });
  await say(bob, 'worth keeping');
  for (let i = 0; i < 40; i += 1) await bob.fill('#composer', `line ${i}`).then(() => bob.keyboard.press('Enter'));
  await sees(ada, 'line 39');
  assert.equal(await bob.$('[aria-label="Moderation"]'), null, 'only for moderators');
  await ada.waitForSelector('.people-list .shield');

  await ada.click('[aria-label="Moderation"]');
  await ada.waitForSelector('dialog[open] h3');
  await accessible(ada, 'the drawer for moderators');
  await ada.fill('dialog .row input', 'Releases and what breaks');
  await ada.click('dialog .row button');
  await bob.waitForSelector('.topic:text-is("Releases and what breaks")');
  await ada.selectOption('dialog select', '5');
  await bob.waitForSelector('.rules:has-text("one message every 5 seconds")');
  // Whoever was away sees it too.
  await bob.evaluate(() => window.breakConnection());
  await ada.click('dialog input[role=switch]');
  await bob.waitForSelector('.rules:has-text("Only moderators may write here.")');
  await bob.waitForSelector('.topic:text-is("Releases and what breaks")');
  await bob.fill('#composer', 'a draft that waits');
  assert.equal(await bob.isDisabled('.composer .send'), true);
  await accessible(bob, 'a locked room');
  await ada.click('dialog input[role=switch]');
  await bob.waitForSelector('.composer .send:enabled');
  await bob.click('.composer .send');
  await bob.waitForSelector('.composer .send[aria-label^="Send in"]');
  await ada.selectOption('dialog select', '0');
  await ada.keyboard.press('Escape');
  await sees(ada, 'a draft that waits');

  await menu(ada, 'worth keeping', 'Pin');
  await bob.click('[aria-label="1 pinned message"]');
  await bob.waitForSelector('dialog .pinned:has-text("worth keeping")');
  await accessible(bob, 'pinned messages');
  await bob.click('dialog .pinned');
  await bob.waitForSelector(`.m.marked:focus:has-text("worth keeping")`);
  assert.ok(await bob.isVisible('.m.marked .pin'));
  await done(ada, bob);
});

test('a moderator deletes, mutes, removes and bans', async () => {
  const ada = await join(browser, server.url, 'Ada', inCharge('music'));
  const bob = await join(browser, server.url, 'Bob', 'music');
  for (const text of ['one', 'two', 'three']) await say(bob, text);
  await sees(ada, 'three');

  await menu(ada, 'two', 'Delete');
  await ada.click('dialog .danger');
  await bob.waitForFunction(() => document.querySelectorAll('.log .text').length === 2);
  assert.deepEqual(await texts(bob), ['one', 'three']);

  await menu(ada, 'one', 'Mute Bob');
  await ada.waitForSelector('dialog[open] select');
  await accessible(ada, 'muting somebody');
  await ada.selectOption('dialog select', '300');
  await ada.fill('dialog input', 'too loud');
  await ada.click('dialog .danger');
  await ada.waitForSelector('.flash:has-text("Done")');
  await say(bob, 'am I?');
  await bob.waitForSelector('.status.failed:has-text("you are muted here; wait 5 minutes")');
  await bob.waitForSelector('.rules:has-text("You are muted for 5 minutes.")');
  await accessible(bob, 'muted');

  await ada.hover('.people-list li:has-text("Bob")');
  await ada.click('[aria-label="Actions for Bob"]');
  await ada.waitForSelector('dialog [role=menuitem]:focus');
  await accessible(ada, 'actions for a person');
  await ada.click('dialog >> text=Remove Bob');
  await ada.click('dialog .danger');
  await bob.waitForSelector('#name-error:has-text("A moderator has removed you")');
  await ada.waitForFunction(() => document.querySelectorAll('.people-list li').length === 1);
  await bob.click('.primary');
  await bob.waitForSelector('#composer');

  await menu(ada, 'one', 'Delete all messages of Bob');
  await ada.click('dialog .danger');
  await bob.waitForFunction(() => document.querySelectorAll('.m:not(.failed) .text').length === 0);
  await ada.hover('.people-list li:has-text("Bob")');
  await ada.click('[aria-label="Actions for Bob"]');
  await ada.click('dialog >> text=Ban Bob');
  await ada.waitForSelector('dialog input[type=checkbox]');
  await ada.click('dialog .danger');
  await bob.waitForSelector('dialog[open] >> text=You cannot join this chat');
  await accessible(bob, 'banned');
  await ada.waitForFunction(() => document.querySelectorAll('.people-list li').length === 1);
  await done(ada, bob);
});
