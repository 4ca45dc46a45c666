// Connections that hang, die without a word, and come back: what the page says and does.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startProxy } from './proxy.mjs';
import { accessible, cleanUp, done, figure, join, member, open, pause, say, sees, startBrowser, startServer, texts } from './support.mjs';

const LOST = /WebSocket|ERR_|Failed to load resource/;

let browser;
let server;
before(async () => {
  browser = await startBrowser();
  server = await startServer({ MESSAGE_RATE: '0' });
});
after(cleanUp);

for (const upgrades of ['hang', 'silent']) {
  test(`a WebSocket that is left without an answer (${upgrades}): says so, and polls after 5 s`, async () => {
    const proxy = await startProxy(server.port, { upgrades });
    const begun = Date.now();
    const ada = await open(browser, proxy.url, { allow: LOST });
    assert.equal(await ada.$('.banner'), null, 'not said too early');
    await ada.waitForSelector('.banner.slow:has-text("takes longer than usual")');
    await ada.waitForSelector('.card :checked');
    figure('until the rooms are there', Date.now() - begun, 9_000, 'ms');
    assert.equal(proxy.upgraded, 1);
    await ada.fill('.panel input:not([type=radio])', 'Ada');
    await ada.click('.primary');
    await ada.waitForSelector('#composer');
    const bob = await member(server.url, 'Bob', 'general');
    await say(ada, 'over polling');
    while (bob.received.length === 0) await pause(20);
    await bob.say('heard');
    await sees(ada, 'heard');
    assert.deepEqual(bob.received, ['over polling', 'heard']);
    assert.equal(await ada.$('.banner'), null, 'nothing is said any more');
    bob.end();
    await done(ada);
  });
}

test('neither WebSocket nor polling: says that it takes longer, at the entrance and in the room', async () => {
  const proxy = await startProxy(server.port);
  const ada = await join(browser, proxy.url, 'Ada', 'music', { allow: LOST });
  proxy.frozen = true;
  const stuck = await browser.newContext({ locale: 'en-GB' });
  // The page itself is served; what it connects to is not.
  const page = await stuck.newPage();
  await page.route(/socket\.io/, () => {});
  await page.routeWebSocket(/socket\.io/, () => {});
  await page.goto(server.url);
  await page.waitForSelector('.banner.slow:has-text("takes longer than usual")');
  await accessible(page, 'a slow entrance');
  await stuck.close();
  proxy.frozen = false;
  await done(ada);
});

test('a connection that died in silence is found by a message, which is sent by itself when it is back', async () => {
  const proxy = await startProxy(server.port);
  const ada = await join(browser, proxy.url, 'Ada', 'tech', { allow: LOST });
  const bob = await member(server.url, 'Bob', 'tech');
  await say(ada, 'before');
  await sees(ada, 'before');
  proxy.frozen = true;
  const begun = Date.now();
  await say(ada, 'one');
  await say(ada, 'two');
  await ada.waitForSelector('.dot:not(.on)', { timeout: 12_000 });
  figure('until the page knows', Date.now() - begun, 9_000, 'ms');
  await bob.say('meanwhile');
  await say(ada, 'three');
  assert.equal(await ada.$('.status.failed'), null);
  proxy.frozen = false;
  await ada.waitForSelector('.dot.on', { timeout: 30_000 });
  await ada.waitForFunction(() => document.querySelectorAll('.m:not(.sending, .queued) .text').length === 5);
  assert.deepEqual(await texts(ada), ['before', 'meanwhile', 'one', 'two', 'three']);
  assert.deepEqual(bob.received, ['before', 'meanwhile', 'one', 'two', 'three']);
  bob.end();
  await done(ada);
});

for (const [what, wake] of [
  ['the network comes back', () => dispatchEvent(new Event('online'))],
  ['the page is shown again', () => document.dispatchEvent(new Event('visibilitychange'))],
  ['the page goes on after a pause', () => document.dispatchEvent(new Event('resume'))],
]) {
  test(`a dead connection is found when ${what}`, async () => {
    const proxy = await startProxy(server.port);
    const ada = await join(browser, proxy.url, 'Ada', 'sports', { allow: LOST });
    const bob = await member(server.url, 'Bob', 'sports');
    // One that is alive stays, whatever happens.
    await ada.evaluate(wake);
    await say(ada, 'alive');
    await sees(ada, 'alive');
    assert.equal(proxy.upgraded, 1);
    // The old line is dead for good; new ones get through.
    proxy.cutOff();
    await bob.say(`missed until ${what}`);
    const begun = Date.now();
    await ada.evaluate(wake);
    await sees(ada, `missed until ${what}`);
    figure('until what was missed is there', Date.now() - begun, 6_000, 'ms');
    assert.equal(proxy.upgraded, 2);
    await ada.waitForSelector('.dot.on');
    bob.end();
    await done(ada);
  });
}

test('a dead connection over polling is found and replaced as well', async () => {
  const proxy = await startProxy(server.port, { upgrades: 'refuse' });
  const ada = await join(browser, proxy.url, 'Ada', 'gaming', { allow: LOST });
  const bob = await member(server.url, 'Bob', 'gaming');
  proxy.cutOff();
  await bob.say('missed');
  await say(ada, 'written to nobody');
  await sees(ada, 'missed');
  await ada.waitForSelector('.m:not(.sending, .queued) .text:has-text("written to nobody")');
  assert.deepEqual(bob.received, ['missed', 'written to nobody']);
  bob.end();
  await done(ada);
});
