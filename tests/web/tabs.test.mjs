// Several tabs of one reader, and tabs that are closed, reloaded, duplicated and gone back to.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { FIREFOX, openInFirefox } from './firefox.mjs';
import { cleanUp, done, join, open, say, sees, startBrowser, startServer } from './support.mjs';

const NAME = '.panel input:not([type=radio])';

let browser;
let server;
before(async () => {
  // As people's browsers do, it keeps pages that are left, and shows them again as they were.
  browser = await startBrowser({ ignoreDefaultArgs: ['--disable-back-forward-cache'] });
  server = await startServer();
});
after(cleanUp);

/** Another tab of the same browser profile. */
async function tab(page, room) {
  const other = await page.context().newPage();
  await other.goto(`${server.url}/${room}`);
  await other.waitForSelector('.card :checked');
  return other;
}

const people = (page) => page.$$eval('.people-list .label', (names) => names.map((name) => name.textContent));
const listed = (page, names) =>
  page.waitForFunction(
    (wanted) => {
      const shown = [...document.querySelectorAll('.people-list .label')].map((name) => name.textContent);
      return shown.sort().join() === wanted;
    },
    names.toSorted().join(),
  );
/** What the log says of comings and goings. */
const notices = async (page) => (await page.$$eval('.notice', (rows) => rows.map((row) => row.textContent))).join('\n');

test('each tab keeps its own name, over reloads, reconnects and rooms', async () => {
  const first = await join(browser, server.url, 'Ada', 'gaming');
  const second = await tab(first, 'gaming');
  assert.equal(await second.inputValue(NAME), 'Ada', 'the last name is proposed');
  await second.fill(NAME, 'Bob');
  await second.click('.primary');
  await second.waitForSelector('#composer');
  await listed(first, ['Ada', 'Bob']);
  await say(first, 'from the first');
  await sees(second, 'from the first');
  const author = await second.$eval('.log .m .name', (name) => name.textContent);
  assert.equal(author, 'Ada');
  await first.click('[aria-label="Settings"]');
  assert.equal(await first.inputValue('dialog .row input'), 'Ada');
  await first.keyboard.press('Escape');
  await first.reload();
  await first.waitForSelector('#composer');
  await listed(second, ['Ada', 'Bob']);
  await first.click('.rooms button:has-text("music")');
  await first.waitForSelector('h1:has-text("music")');
  await listed(first, ['Ada']);
  // A name given in one tab is what the next new tab proposes, and nothing to the others.
  await second.click('[aria-label="Settings"]');
  await second.fill('dialog .row input', 'Bobby');
  await second.click('dialog .row button');
  await listed(second, ['Bobby']);
  await first.reload();
  await first.waitForSelector('#composer');
  await listed(first, ['Ada']);
  const third = await tab(first, 'gaming');
  assert.equal(await third.inputValue(NAME), 'Bobby');
  await done(first);
});

test('a duplicated tab is another member of the same name, and the first one stays', async () => {
  const first = await join(browser, server.url, 'Ada', 'sports');
  await first.fill('#composer', 'a draft');
  // A window that a page opens starts with a copy of the page's session storage, as a duplicate does.
  const opened = first.context().waitForEvent('page');
  await first.evaluate(() => void window.open(location.href));
  const second = await opened;
  await second.waitForSelector('#composer');
  assert.equal(await second.inputValue('#composer'), 'a draft');
  await listed(first, ['Ada', 'Ada']);
  await second.fill('#composer', '');
  await say(second, 'from the copy');
  await sees(first, 'from the copy');
  assert.equal(await first.$('dialog[open]'), null, 'nobody was taken over');
  assert.equal(await first.inputValue('#composer'), 'a draft');
  await done(first);
});

for (const transport of ['websocket', 'polling']) {
  // As behind a proxy that lets no WebSocket through.
  const init = (page) =>
    transport === 'polling' &&
    page.addInitScript(() => {
      window.WebSocket = class {
        constructor() {
          setTimeout(() => this.onerror?.(new Event('error')));
        }
        close() {}
      };
    });
  const allow = /ERR_|status of 40[04]/;
  const joined = (name, room) => join(browser, server.url, name, room, { init, allow });

  test(`over ${transport} a closed tab is soon no longer listed`, async () => {
    const bob = await join(browser, server.url, 'Bob', 'tech');
    const ada = await joined('Ada', 'tech');
    await listed(bob, ['Ada', 'Bob']);
    const closed = Date.now();
    await ada.close();
    await listed(bob, ['Bob']);
    const took = Date.now() - closed;
    // The browser may break the poll off before the server has the goodbye: then it is a lost connection, as before.
    if (transport === 'websocket') assert.ok(took < 6000, `${took} ms`);
    assert.match(await notices(bob), /Ada.* (left|came and went)/);
    await done(bob);
  });

  test(`over ${transport} a reload is told to nobody`, async () => {
    const bob = await join(browser, server.url, 'Bob', 'music');
    const ada = await joined('Ada', 'music');
    await listed(bob, ['Ada', 'Bob']);
    for (const text of ['once', 'twice']) {
      await ada.reload();
      await ada.waitForSelector('#composer');
      await say(ada, text);
      await sees(bob, text);
    }
    assert.deepEqual((await people(bob)).sort(), ['Ada', 'Bob']);
    assert.doesNotMatch(await notices(bob), /left|came and went/);
    await done(ada, bob);
  });

  test(`over ${transport} a tab that goes elsewhere and back is there again`, async () => {
    const bob = await join(browser, server.url, 'Bob', 'gaming');
    const ada = await joined('Ada', 'gaming');
    await listed(bob, ['Ada', 'Bob']);
    await ada.evaluate(() => {
      window.same = true;
    });
    await ada.goto(`${server.url}/api.txt`);
    await listed(bob, ['Bob']);
    await say(bob, 'while you were away');
    await ada.goBack({ waitUntil: 'commit' });
    await sees(ada, 'while you were away');
    await listed(bob, ['Ada', 'Bob']);
    await say(ada, 'back');
    await sees(bob, 'back');
    assert.ok(await ada.evaluate(() => window.same), 'the page was kept, not loaded again');
    await done(ada, bob);
  });
}

test('in Firefox a reload is told to nobody, and a closed tab is soon no longer listed', { skip: !FIREFOX && 'there is no Firefox' }, async () => {
  const bob = await join(browser, server.url, 'Bob', 'sports');
  const ada = await openInFirefox(`${server.url}/sports`);
  const until = async (expression) => {
    while (!(await ada.evaluate(expression))) await new Promise((resolve) => setTimeout(resolve, 50));
  };
  await until("!!document.querySelector('.card :checked')");
  await ada.evaluate(`(() => {
    const field = document.querySelector('.panel input:not([type=radio])');
    field.value = 'Ada';
    field.dispatchEvent(new Event('input', { bubbles: true }));
  })()`);
  // A click before the name is taken in is answered with what is missing.
  await until("document.querySelector('.primary')?.click() ?? !!document.querySelector('#composer')");
  await listed(bob, ['Ada', 'Bob']);
  await ada.reload();
  await until("!!document.querySelector('#composer') && !!document.querySelector('.dot.on')");
  await until("[...document.querySelectorAll('.people-list .label')].length === 2");
  assert.doesNotMatch(await notices(bob), /left|came and went/);
  const closed = Date.now();
  await ada.closeTab();
  await listed(bob, ['Bob']);
  assert.ok(Date.now() - closed < 6000, `${Date.now() - closed} ms`);
  await ada.close();
  await done(bob);
});

test('leaving the chat and the sign-in card need no goodbye', async () => {
  const ada = await join(browser, server.url, 'Ada', 'tech');
  const bob = await join(browser, server.url, 'Bob', 'tech');
  await ada.click('[aria-label="Settings"]');
  await ada.click('text=Leave the chat');
  await ada.waitForSelector('.card :checked');
  await listed(bob, ['Bob']);
  await ada.reload();
  await ada.waitForSelector('.card :checked');
  const card = await open(browser, server.url);
  await card.waitForSelector('.card :checked');
  await done(card, ada, bob);
});
