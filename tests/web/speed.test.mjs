// Figures that a reader feels: a room of ten thousand messages, and a hundred messages a second.
// SECONDS_OF_BURST shortens the burst, for a quick look.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { cleanUp, figure, fill, join, LARGE_ROOMS, member, open, pause, sees, startBrowser, startServer, texts } from './support.mjs';

const SECONDS = Number(process.env.SECONDS_OF_BURST ?? 30);
const MESSAGES = 10_000;
const LONGER = (number) => `message ${number} of many, of *some* length`;

let browser;
let server;
before(async () => {
  browser = await startBrowser();
  server = await startServer(LARGE_ROOMS);
});
after(cleanUp);

/** Milliseconds from `action` to when `selector` is there and laid out. */
const timed = (page, action, selector) =>
  page.evaluate(
    ([action, selector]) =>
      new Promise((resolve) => {
        const start = performance.now();
        const look = () => {
          if (!document.querySelector(selector)) return false;
          document.body.offsetHeight;
          resolve(performance.now() - start);
          return true;
        };
        const observer = new MutationObserver(() => look() && observer.disconnect());
        observer.observe(document, { subtree: true, childList: true, attributes: true });
        if (action.click) document.querySelector(action.click).click();
        else document.querySelector(action.submit).requestSubmit();
      }),
    [action, selector],
  );

const heap = (page) =>
  page.evaluate(() => {
    globalThis.gc?.();
    return performance.memory.usedJSHeapSize / 1e6;
  });

test(`a room of ${MESSAGES} messages`, async () => {
  const bot = await fill(server.url, 'tech', MESSAGES, LONGER);
  // The best of three: a machine that does something else meanwhile can only make it longer.
  let page;
  let opened = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 3; i += 1) {
    await page?.end();
    page = await open(browser, `${server.url}/tech`);
    await page.waitForSelector('.card :checked');
    await page.fill('.panel input:not([type=radio])', 'Ada');
    await pause(1000);
    opened = Math.min(opened, await timed(page, { click: '.primary' }, '.m .text'));
  }
  figure('opens in', opened, 500, 'ms');
  assert.equal((await texts(page)).at(-1), `message ${MESSAGES} of many, of *some* length`.replaceAll('*', ''));

  for (let i = 0; i < 30; i += 1) {
    await page.evaluate(() => {
      document.querySelector('#log').scrollTop = 0;
    });
    await pause(60);
  }
  const [oldest] = await texts(page);
  assert.ok(Number(oldest.split(' ')[1]) < MESSAGES - 1500, `${oldest} after scrolling up`);
  figure('rows in the page after that', await page.$$eval('.log li', (all) => all.length), 420, 'rows');
  const held = await page.evaluate(async () => {
    const log = document.querySelector('#log');
    log.scrollTop = 600;
    await new Promise((resolve) => setTimeout(resolve, 400));
    const row = [...log.querySelectorAll('.m')].find((m) => m.getBoundingClientRect().top > 200);
    const before = row.getBoundingClientRect().top;
    log.scrollTop -= 250;
    const wanted = before + 250;
    await new Promise((resolve) => setTimeout(resolve, 600));
    return Math.abs(row.getBoundingClientRect().top - wanted);
  });
  figure('a row moves while older ones are put before it by', held, 2, 'px');
  await bot.say('below');
  await page.waitForSelector('.pill:has-text("1")');
  await page.click('.pill');
  await sees(page, 'below');
  await page.waitForFunction(() => document.querySelectorAll('.log li').length < 260);

  const keys = await page.evaluate(() => {
    const area = document.querySelector('#composer');
    return Array.from({ length: 40 }, (_, i) => {
      const start = performance.now();
      area.value += String.fromCharCode(97 + (i % 26));
      area.dispatchEvent(new Event('input', { bubbles: true }));
      document.body.offsetHeight;
      return performance.now() - start;
    }).sort((a, b) => a - b);
  });
  figure('a key takes, 95 of 100', keys[Math.floor(keys.length * 0.95)], 16, 'ms');
  await page.evaluate(() => document.querySelector('#composer').focus());
  const own = await timed(page, { submit: '.composer' }, '.m.own .text');
  figure('an own message is there after', own, 50, 'ms');
  figure('heap', await heap(page), 60, 'MB');
  bot.end();
  assert.deepEqual(page.errors, []);
  await page.end();
});

/** The longest tasks of a trace's pages: by the clock, and by what the processor really did for them. */
function longest(trace) {
  const tasks = JSON.parse(trace).traceEvents.filter((event) => event.name.endsWith('RunTask') && event.tdur);
  const most = (key) => tasks.reduce((max, task) => Math.max(max, task[key]), 0) / 1000;
  assert.ok(tasks.length > 1000, `${tasks.length} tasks in the trace`);
  return { clock: most('dur'), work: most('tdur') };
}

test(`100 messages a second for ${SECONDS} s`, async () => {
  const page = await join(browser, server.url, 'Ada', 'music');
  const bots = [await member(server.url, 'Bot', 'music'), await member(server.url, 'Robot', 'music')];
  await browser.startTracing(page, { categories: ['disabled-by-default-devtools.timeline'] });
  const start = Date.now();
  let sent = 0;
  while (Date.now() - start < SECONDS * 1000) {
    const due = Math.min(SECONDS * 100, Math.floor((Date.now() - start) / 10));
    for (; sent < due; sent += 1) bots[sent % 2].shout(`burst ${sent}`);
    await pause(20);
  }
  await sees(page, `burst ${sent - 1}`);
  const { clock, work } = longest(await browser.stopTracing());
  console.log(`    ${sent} messages; longest task by the clock: ${Math.round(clock)} ms`);
  // The clock also counts what other programs took of the processor meanwhile: only the work has a budget.
  figure('longest task', work, 100, 'ms');
  figure('rows in the page', await page.$$eval('.log li', (rows) => rows.length), 400, 'rows');
  figure('heap', await heap(page), 60, 'MB');
  const shown = (await texts(page)).map((text) => Number(text.split(' ')[1]));
  for (const bot of [0, 1]) {
    const own = shown.filter((n) => n % 2 === bot);
    assert.deepEqual(own, [...own].sort((a, b) => a - b), 'in the order of sending');
  }
  assert.deepEqual(page.errors, []);
  await page.end();
});
