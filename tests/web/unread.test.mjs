// What is new: in other rooms, and since one last looked.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accessible, cleanUp, done, join, member, PHONE, say, sees, startBrowser, startServer } from './support.mjs';

let browser;
let server;
before(async () => {
  browser = await startBrowser();
  server = await startServer();
});
after(cleanUp);

test('a room with something new is marked until it is visited, on a phone and on a desktop', async () => {
  // Narrow, the list of rooms is behind a button, which is marked too.
  for (const options of [{}, PHONE]) {
    const ada = await join(browser, server.url, 'Ada', 'general', options);
    const bob = await join(browser, server.url, 'Bob', 'music');
    const list = async () => {
      if (options === PHONE) await ada.click('[aria-label="Show rooms"]');
      return ada.locator('.rooms li:has-text("music")');
    };
    const marked = options === PHONE ? '.round.news' : '.rooms .dot';
    assert.equal(await ada.locator(marked).count(), 0);
    await say(bob, 'somebody there?');
    await ada.waitForSelector(marked);
    assert.match(await (await list()).textContent(), /music.*New messages/);
    await accessible(ada, 'a room with something new');
    assert.equal(await ada.locator('.rooms .dot').count(), 1);
    await ada.click('.rooms button:has-text("music")');
    await sees(ada, 'somebody there?');
    await ada.waitForSelector('.dot.on:not(.top *)', { state: 'detached' });
    // Nor is it when one has left again, or comes back.
    await list();
    await ada.click('.rooms button:has-text("general")');
    await ada.waitForSelector('h1:has-text("general")');
    await ada.reload();
    await ada.waitForSelector('h1:has-text("general")');
    assert.doesNotMatch(await (await list()).textContent(), /New messages/);
    await done(ada, bob);
  }
});

test('what was said elsewhere meanwhile is marked as new', async () => {
  const ada = await join(browser, server.url, 'Ada', 'gaming');
  const bob = await member(server.url, 'Bob', 'gaming');
  await bob.say('one');
  await sees(ada, 'one');
  await ada.click('.rooms button:has-text("general")');
  await ada.waitForSelector('h1:has-text("general")');
  await bob.say('two');
  await ada.click('.rooms button:has-text("gaming")');
  await sees(ada, 'two');
  await ada.waitForSelector('.new');
  const after = await ada.$eval('.new', (row) => row.nextElementSibling?.querySelector('.text')?.textContent);
  assert.equal(after, 'two');
  await ada.keyboard.press('Escape');
  await ada.waitForSelector('.new', { state: 'detached' });
  bob.end();
  await done(ada);
});
