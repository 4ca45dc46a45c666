// Answering messages and reacting to them.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessible, breakable, cleanUp, done, fill, join, LARGE_ROOMS, say, sees, startBrowser, startServer, texts } from './support.mjs';

const LOST = /WebSocket connection|ERR_|Failed to load resource/;

let browser;
let server;
before(async () => {
  browser = await startBrowser();
  server = await startServer(LARGE_ROOMS);
});
after(cleanUp);

const row = (text) => `.m:has(.text:text-is("${text}"))`;
const quote = (text) => `${row(text)} .quote`;

test('an answer quotes what it answers, leads to it, and counts as a mention', async () => {
  const ada = await join(browser, server.url, 'Ada', 'tech', { allow: LOST, init: breakable });
  const bob = await join(browser, server.url, 'Bob', 'tech');
  await say(ada, 'who is there?');
  await sees(bob, 'who is there?');
  await bob.hover(row('who is there?'));
  await bob.click(`${row('who is there?')} [aria-label="Reply"]`);
  await bob.waitForSelector('.answering:has-text("Ada who is there?")');
  await accessible(bob, 'writing an answer');
  await bob.keyboard.press('Escape');
  await bob.waitForSelector('.answering', { state: 'detached' });
  await bob.hover(row('who is there?'));
  await bob.click(`${row('who is there?')} [aria-label="Reply"]`);
  // Whoever is away meanwhile gets the answer as an answer.
  await ada.evaluate(() => window.breakConnection());
  await bob.keyboard.type('I am');
  await bob.keyboard.press('Enter');
  await bob.waitForSelector(`${quote('I am')}:has-text("who is there?")`);
  assert.equal(await bob.$('.answering'), null);
  await ada.waitForSelector(`${quote('I am')}:has-text("who is there?")`);
  await ada.waitForSelector('.m.mentioned:has-text("I am")');
  assert.equal(await bob.$('.m.mentioned'), null);
  await ada.click(quote('I am'));
  await ada.waitForSelector('.m.marked:focus:has-text("who is there?")');
  await accessible(ada, 'an answer');

  // By keyboard: the last message, and R.
  await ada.keyboard.press('End');
  await ada.keyboard.press('r');
  await ada.waitForSelector('.answering:has-text("Bob I am")');
  await ada.keyboard.type('good');
  await ada.keyboard.press('Enter');
  await ada.waitForSelector(`${quote('good')}:has-text("I am")`);
  await bob.waitForSelector(`.m.mentioned:has-text("good")`);

  // What is answered and deleted leaves a line, and goes with its answers.
  await ada.keyboard.press('ArrowUp');
  await ada.waitForSelector('.editor textarea:focus');
  await ada.keyboard.press('Escape');
  await ada.hover(row('who is there?'));
  await ada.click(`${row('who is there?')} .more`);
  await ada.keyboard.down('Shift');
  await ada.click('.menu >> text=Delete');
  await ada.keyboard.up('Shift');
  await bob.waitForSelector('.m .gone');
  await bob.waitForSelector(`${quote('I am')}:has-text("was deleted")`);
  await ada.hover(row('good'));
  await ada.click(`${row('good')} .more`);
  await ada.click('.menu >> text=Delete');
  await ada.click('dialog .danger');
  await bob.waitForSelector(row('good'), { state: 'detached' });
  assert.deepEqual(await texts(bob), ['I am']);
  await bob.reload();
  await bob.waitForSelector(`${quote('I am')}:has-text("was deleted")`);
  await done(ada, bob);
});

test('what is answered is far back, and is quoted all the same', async () => {
  const bot = await fill(server.url, 'music', 1000, (n) => `straw ${n}`);
  const { id } = await bot.say('the one');
  await Promise.all(Array.from({ length: 300 }, (_, i) => bot.say(`hay ${i}`)));
  await new Promise((resolve) => bot.socket.emit('send_message', { text: 'to that one', reply_to: id }, resolve));
  const ada = await join(browser, server.url, 'Ada', 'music');
  await ada.waitForSelector(`${quote('to that one')}:has-text("the one")`);
  await ada.click(quote('to that one'));
  await ada.waitForSelector('.m.marked:focus:has-text("the one")');
  await sees(ada, 'hay 5');
  bot.end();
  await done(ada);
});

test('people react, join in and take back, also while one is away', async () => {
  const ada = await join(browser, server.url, 'Ada', 'sports');
  const bob = await join(browser, server.url, 'Bob', 'sports', { allow: LOST, init: breakable });
  const chip = (emoji, n, mine) => `.chip[aria-pressed="${mine}"]:has-text("${emoji} ${n}")`;
  await say(ada, 'we won');
  await sees(bob, 'we won');
  await bob.hover(row('we won'));
  await bob.click(`${row('we won')} [aria-label="React with 👍"]`);
  await bob.waitForSelector(chip('👍', 1, true));
  await ada.waitForSelector(chip('👍', 1, false));
  await ada.click(chip('👍', 1, false));
  await ada.waitForSelector(chip('👍', 2, true));
  await bob.waitForSelector(chip('👍', 2, true));
  await accessible(bob, 'reactions');

  await bob.evaluate(() => window.breakConnection());
  await ada.click('.chip[aria-label="Add a reaction"]');
  await ada.waitForSelector('dialog.picker[open]');
  await accessible(ada, 'choosing an emoji');
  await ada.fill('dialog input', 'tada');
  await ada.click('dialog .emoji:not(.quick) button');
  await ada.waitForSelector(chip('🎉', 1, true));
  await bob.waitForSelector(chip('🎉', 1, false));
  await ada.click(chip('👍', 2, true));
  await bob.waitForSelector(chip('👍', 1, true));
  await bob.click(chip('👍', 1, true));
  await ada.waitForSelector('.chip:has-text("👍")', { state: 'detached' });
  // Whoever comes later sees them, and which are theirs.
  await ada.reload();
  await ada.waitForSelector(chip('🎉', 1, true));
  await bob.reload();
  await bob.waitForSelector(chip('🎉', 1, false));
  await done(ada, bob);
});
