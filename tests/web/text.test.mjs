// What a message may do to its readers: nothing. In Chromium, and in Firefox where there is one.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { ADVERSARIAL } from '../../web/src/text/adversarial.mjs';
import { FIREFOX, openInFirefox } from './firefox.mjs';
import { ARTEFACTS, cleanUp, figure, member, open, startBrowser, startServer } from './support.mjs';

/** Just under the most that a message may have, so that few are refused for it: of characters, and where only bytes count. */
const LENGTHS = { long: 1_990, 'as long as can be': 60_000 };
/** The longest that a page may be busy with what one message brings; the machine may do other things meanwhile. */
const BUSY_MS = 1_500;

let browser;
const servers = {};
let bot;
before(async () => {
  browser = await startBrowser();
  const env = { MESSAGE_RATE: '0', HISTORY_BYTES: '0', HISTORY_MESSAGES: '1000' };
  servers.long = await startServer(env);
  servers['as long as can be'] = await startServer({ ...env, MESSAGE_MAX_CHARS: '0' });
});
after(cleanUp);

const BROWSERS = {
  Chromium: async (url) => {
    const page = await open(browser, url);
    return { evaluate: (expression) => page.evaluate(expression), screenshot: () => page.screenshot(), close: () => page.end() };
  },
  ...(FIREFOX ? { Firefox: openInFirefox } : {}),
};

/** Resolves when `condition` holds in the page. */
const until = (condition) => `new Promise((resolve, reject) => {
  const end = Date.now() + 20000;
  const look = () => {
    if (${condition}) resolve(true);
    else if (Date.now() > end) reject(new Error(${JSON.stringify(condition)}));
    else setTimeout(look, 20);
  };
  look();
})`;

async function enter(page, name) {
  await page.evaluate(until("document.querySelector('.card :checked')"));
  await page.evaluate(`(() => {
    const field = document.querySelector('.panel input:not([type=radio])');
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(field, ${JSON.stringify(name)});
    field.dispatchEvent(new Event('input', { bubbles: true }));
    return new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  })()`);
  await page.evaluate("document.querySelector('.primary').click()");
  await page.evaluate(until("document.querySelector('#composer')"));
}

const shows = (text) =>
  until(`[...document.querySelectorAll('.log .text')].some((row) => row.textContent.includes(${JSON.stringify(text)}))`);

for (const [name, start] of Object.entries(BROWSERS)) {
  for (const [how, length] of Object.entries(LENGTHS)) test(`${name}: no message keeps the page from answering, ${how}`, async () => {
    const server = servers[how];
    const room = name === 'Firefox' ? 'tech' : 'music';
    bot = await member(server.url, 'Bot', room);
    const page = await start(`${server.url}/${room}`);
    await enter(page, 'Ada');
    // How long the page was busy at a stretch, from now until it is asked.
    await page.evaluate(`(() => {
      let last = performance.now();
      window.busy = 0;
      setInterval(() => {
        const now = performance.now();
        window.busy = Math.max(window.busy, now - last);
        last = now;
      }, 5);
    })()`);
    const busy = async () => page.evaluate('(() => { const was = window.busy; window.busy = 0; return was; })()');
    await busy();
    let longest = 0;
    let sent = 0;
    for (const [what, fill] of Object.entries(ADVERSARIAL)) {
      const { ok } = await bot.say(fill(length));
      sent += ok ? 1 : 0;
      await bot.say(`after ${what}`);
      await page.evaluate(shows(`after ${what}`));
      const took = await busy();
      longest = Math.max(longest, took);
      assert.ok(took < BUSY_MS, `${what}: ${took} ms`);
    }
    assert.ok(sent > 35, `${sent} were taken by the server`);
    figure('busy at a stretch', longest, BUSY_MS, 'ms');
    // The one that froze readers, twenty times at once.
    const text = `https://a/${'.'.repeat(length / 2)}x${']'.repeat(length / 2 - 11)}`;
    await Promise.all(Array.from({ length: 20 }, () => bot.say(text)));
    await bot.say('after twenty');
    await page.evaluate(shows('after twenty'));
    figure('busy with twenty at once', await busy(), BUSY_MS, 'ms');
    bot.end();
    await page.close();
  });

  test(`${name}: a link shows where it leads, whatever is around it`, async () => {
    const server = servers.long;
    const room = name === 'Firefox' ? 'sports' : 'gaming';
    bot = await member(server.url, 'Bot', room);
    const page = await start(`${server.url}/${room}`);
    await enter(page, 'Ada');
    const texts = [
      '\u202ehttps://evil.example/moc.knab//:sptth',
      'https://evil.example/\u202emoc.knab//:sptth',
      '\u2067\u202ehttps://evil.example/a\u202c\u2069 https://bank.example/',
      'שלום https://evil.example/שלום/bank.example',
      'https://bаnk.example/ https://münchen.example/ https://%65vil.example/',
      'https://bank.example@evil.example/',
      'https://שלום.bank.example/x',
    ];
    for (const text of texts) assert.equal((await bot.say(text)).ok, true, text);
    await bot.say('all said');
    await page.evaluate(shows('all said'));
    writeFileSync(`${ARTEFACTS}links-${name}.png`, await page.screenshot());
    const found = await page.evaluate(`[...document.querySelectorAll('.log .text a')].map((link) => {
      const style = getComputedStyle(link);
      const text = link.firstChild;
      // From left to right, as drawn: where the address begins, and where its host does.
      const at = (index) => {
        const range = document.createRange();
        range.setStart(text, index);
        range.setEnd(text, index + 1);
        return range.getBoundingClientRect().left;
      };
      return {
        shown: link.textContent,
        host: new URL(link.href).hostname,
        isolated: style.direction + ' ' + style.unicodeBidi,
        inOrder: at(0) < at(4) && at(4) < at(8),
      };
    })`);
    assert.ok(found.length >= 8, JSON.stringify(found));
    for (const { shown, host, isolated, inOrder } of found) {
      assert.ok(shown.includes(host), `${shown} leads to ${host}`);
      assert.equal(isolated, 'ltr isolate', shown);
      assert.ok(inOrder, shown);
    }
    assert.equal(found.some(({ shown }) => shown.includes('@')), false);
    const raw = await page.evaluate(`[...document.querySelectorAll('.log .text')].map((row) => row.textContent).join()`);
    assert.doesNotMatch(raw, /[\u202a-\u202e\u2066-\u2069]/);
    bot.end();
    await page.close();
  });
}
