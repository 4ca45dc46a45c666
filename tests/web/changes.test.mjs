// Changing what was said: editing in place, deleting, and what the server refuses.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessible, breakable, cleanUp, done, join, member, PHONE, say, sees, startBrowser, startServer, texts } from './support.mjs';

const LOST = /WebSocket connection|ERR_|Failed to load resource/;

let browser;
let server;
before(async () => {
  browser = await startBrowser();
  server = await startServer({ MESSAGE_RATE: '0' });
});
after(cleanUp);

const row = (text) => `.m:has(.text:text-is("${text}"))`;

async function menu(page, text, action) {
  await page.hover(row(text));
  await page.click(`${row(text)} .more`);
  await page.click(`.menu >> text=${action}`);
}

test('a message is edited in place and deleted, also before the eyes of somebody who was away', async () => {
  const ada = await join(browser, server.url, 'Ada', 'tech', { allow: LOST });
  const bob = await join(browser, server.url, 'Bob', 'tech', { allow: LOST, init: breakable });
  await say(ada, 'the 1st');
  await say(ada, 'the second');
  await say(ada, 'the third');
  await sees(bob, 'the third');

  // The last one by the arrow, which Escape leaves as it was.
  await ada.focus('#composer');
  await ada.keyboard.press('ArrowUp');
  await ada.waitForSelector('.editor textarea:focus');
  assert.equal(await ada.inputValue('.editor textarea'), 'the third');
  await accessible(ada, 'editing a message');
  await ada.keyboard.type(', or not');
  await ada.keyboard.press('Escape');
  await ada.waitForSelector('#composer:focus');
  assert.deepEqual(await texts(ada), ['the 1st', 'the second', 'the third']);

  // Another one by its menu, while Bob is away.
  await bob.evaluate(() => window.breakConnection());
  await menu(ada, 'the 1st', 'Edit');
  await ada.fill('.editor textarea', 'the first');
  await ada.keyboard.press('Enter');
  await ada.waitForSelector('.editor', { state: 'detached' });
  await ada.waitForSelector(`${row('the first')} .edited`);
  await menu(ada, 'the second', 'Delete');
  await ada.waitForSelector('dialog[open] >> text=the second');
  await accessible(ada, 'asked before deleting');
  await ada.click('dialog .danger');
  await bob.waitForFunction(() => document.querySelectorAll('.log .text').length === 2);
  assert.deepEqual(await texts(bob), ['the first', 'the third']);
  await bob.waitForSelector(`${row('the first')} .edited`);

  // With Shift nothing is asked.
  await ada.keyboard.down('Shift');
  await menu(ada, 'the third', 'Delete');
  await ada.keyboard.up('Shift');
  await bob.waitForFunction(() => document.querySelectorAll('.log .text').length === 1);
  assert.equal(await ada.$('dialog[open]'), null);

  // What was changed is changed for those who come later, and cannot be changed by others.
  await bob.reload();
  await bob.waitForSelector(`${row('the first')} .edited`);
  await bob.hover(row('the first'));
  await bob.click(`${row('the first')} .more`);
  assert.deepEqual(await bob.$$eval('.menu button', (items) => items.map((item) => item.textContent)), [
    'Add a reaction',
    'Reply',
    'Copy text',
    'Copy link',
    'Mention Ada',
    'Ignore Ada',
  ]);
  await done(ada, bob);
});

test('what is refused says why, and keeps what was written', async () => {
  let refuse = '';
  const init = (page) =>
    page.routeWebSocket(/socket\.io/, (socket) => {
      const upstream = socket.connectToServer();
      socket.onMessage((packet) => {
        const ack = /^42(\d+)\["(?:edit|delete)_message"/.exec(String(packet))?.[1];
        if (ack && refuse) socket.send(`43${ack}[{"ok":false,"error":${refuse}}]`);
        else upstream.send(packet);
      });
    });
  const ada = await join(browser, server.url, 'Ada', 'music', { init });
  await say(ada, 'old');
  await ada.waitForSelector('.m:not(.sending, .queued) .text');
  await ada.focus('#composer');
  await ada.keyboard.press('ArrowUp');
  await ada.fill('.editor textarea', 'new');
  for (const [error, words] of [
    ['{"code":"too_late","message":"no"}', 'Not saved: the time for changing it is over'],
    ['{"code":"muted","message":"no","retry_after_ms":300000}', 'you are muted here; wait 5 minutes'],
    ['{"code":"slow_mode","message":"no","retry_after_ms":20000}', 'one message at a time; wait 20 seconds'],
    ['{"code":"locked","message":"no"}', 'only moderators may write here'],
    ['{"code":"forbidden","message":"no"}', 'you may not do this'],
  ]) {
    refuse = error;
    await ada.keyboard.press('Enter');
    await ada.waitForSelector(`.editor .error:has-text("${words}")`);
  }
  await accessible(ada, 'a refused edit');
  assert.equal(await ada.inputValue('.editor textarea'), 'new');
  refuse = '';
  await ada.keyboard.press('Enter');
  await ada.waitForSelector('.editor', { state: 'detached' });
  assert.deepEqual(await texts(ada), ['new']);
  refuse = '{"code":"locked","message":"no"}';
  await ada.keyboard.down('Shift');
  await menu(ada, 'new', 'Delete');
  await ada.keyboard.up('Shift');
  await ada.waitForSelector('.flash:has-text("Not deleted: only moderators may write here")');
  assert.deepEqual(await texts(ada), ['new']);
  await done(ada);
});

test('by keyboard, and with a finger', async () => {
  const ada = await join(browser, server.url, 'Ada', 'sports');
  await say(ada, 'mine');
  await ada.waitForSelector('.m:not(.sending, .queued) .text');
  const keys = async (...names) => {
    for (const name of names) await ada.keyboard.press(name);
  };
  await keys('Shift+F6', 'End', 'Enter');
  await ada.waitForSelector('[role=menuitem]:focus');
  await ada.focus('.menu >> text=Edit');
  await keys('Enter');
  await ada.waitForSelector('.editor textarea:focus');
  await keys('End');
  await ada.keyboard.type(', edited');
  await keys('Enter');
  await ada.waitForSelector('.m:focus .edited');
  await keys('Enter', 'End', 'Enter');
  await ada.waitForSelector('dialog .danger:focus');
  await keys('Enter');
  await ada.waitForFunction(() => document.querySelectorAll('.log .text').length === 0);
  await done(ada);

  const bob = await member(server.url, 'Bob', 'gaming');
  await bob.say('from Bob');
  const phone = await join(browser, server.url, 'Ada', 'gaming', PHONE);
  await say(phone, 'from my phone');
  await phone.waitForSelector(`${row('from my phone')}:not(.sending, .queued)`);
  const { x, y, width, height } = await (await phone.$(`${row('from my phone')} .text`)).boundingBox();
  const touch = await phone.context().newCDPSession(phone);
  const point = { x: x + Math.min(20, width / 2), y: y + height / 2 };
  await touch.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [point] });
  await phone.waitForSelector('dialog.bottom[open]');
  await touch.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  await accessible(phone, 'the sheet of a message');
  await phone.click('dialog >> text=Edit');
  await phone.waitForSelector('.editor textarea');
  await phone.fill('.editor textarea', 'from my desk');
  await phone.click('.save');
  await phone.waitForSelector(`${row('from my desk')} .edited`);
  bob.end();
  await done(phone);
});
