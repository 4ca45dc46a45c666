// Every state as a picture, at three sizes, light and dark, under target/web/screens/: to be looked at, not compared.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { ARTEFACTS, accessible, cleanUp, join, member, open, pause, say, sees, startBrowser, startServer } from './support.mjs';

const SIZES = [
  [390, 780],
  [820, 1180],
  [1440, 900],
];
const FOLDER = `${ARTEFACTS}screens/`;
mkdirSync(FOLDER, { recursive: true });

const TALK = [
  ['Grace', 'Morning all. The resume work is merged: https://example.org/changes/482'],
  ['Grace', 'A page that loses its connection now gets exactly what it *missed*, in order.'],
  ['Linus', 'Tried it with the server killed under me. The banner did not even show up 👌'],
  ['نور', 'صباح الخير! هل يعمل هذا من اليمين إلى اليسار أيضًا؟'],
  ['Grace', 'It does. For the log:\n```\njoin_room { room_name: "tech", after: { epoch, id: 41 } }\n```'],
  ['Linus', '@Ada Lovelace did you see what `recovered: false` looks like?'],
];

let browser;
before(async () => {
  browser = await startBrowser();
});
after(cleanUp);

/** A server in the middle of a conversation. */
async function scene() {
  const server = await startServer();
  const names = [...new Set(TALK.map(([name]) => name))];
  const bots = await Promise.all(names.map((name) => member(server.url, name, 'tech')));
  for (const [name, text] of TALK) await bots[names.indexOf(name)].say(text);
  const [zoe] = await Promise.all(['Zoë', 'Kim', 'Ola'].map((name) => member(server.url, name, 'music')));
  return { server, grace: bots[0], zoe };
}

for (const [width, height] of SIZES) {
  for (const colorScheme of ['light', 'dark']) {
    test(`${width}×${height}, ${colorScheme}`, async () => {
      const { server, grace, zoe } = await scene();
      const options = { colorScheme, viewport: { width, height }, hasTouch: width < 1000, isMobile: width < 500 };
      const shot = (page, name) =>
        page.screenshot({ path: `${FOLDER}${name}-${width}x${height}-${colorScheme}.png`, animations: 'disabled' });
      const card = await open(browser, server.url, options);
      await card.waitForSelector('.card :checked');
      await shot(card, 'sign-in');
      await card.click('.primary');
      await shot(card, 'sign-in-error');
      await card.end();

      const ada = await join(browser, server.url, 'Ada Lovelace', 'tech', options);
      await sees(ada, 'recovered');
      await say(ada, 'Yes! It says “Some messages may be missing here.” Honest, and easy to miss nothing.');
      grace.socket.emit('typing', { typing: true });
      await ada.waitForSelector('.typing >> text=Grace');
      await zoe.say('What are we listening to?');
      await ada.waitForSelector(width < 832 ? '.round.news' : '.rooms .dot');
      await shot(ada, 'room');
      await accessible(ada, 'room');
      if (width < 832) {
        for (const [button, name] of [
          ['Show rooms', 'rooms'],
          ['Show people', 'people'],
        ]) {
          await ada.click(`[aria-label="${button}"]`);
          await pause(200);
          await shot(ada, name);
          await ada.keyboard.press('Escape');
        }
      }
      await ada.click('[aria-label="Settings"]');
      await ada.waitForSelector('dialog select');
      await shot(ada, 'settings');
      await accessible(ada, 'settings');
      await ada.click('text=Keyboard shortcuts');
      await ada.waitForSelector('.keys');
      await shot(ada, 'help');
      await accessible(ada, 'help');
      await ada.keyboard.press('Escape');
      await ada.waitForSelector('dialog', { state: 'detached' });
      assert.deepEqual(ada.errors, []);
      await ada.end();

      const empty = await join(browser, server.url, 'Ada', 'gaming', options);
      await empty.waitForSelector('.start p');
      await shot(empty, 'empty');
      await accessible(empty, 'empty room');
      await empty.end();

      const noor = await join(browser, server.url, 'نور', 'tech', { ...options, locale: 'ar' });
      await sees(noor, 'recovered');
      await zoe.say('Never mind.');
      await noor.waitForSelector(width < 832 ? '.round.news' : '.rooms .dot');
      await shot(noor, 'rtl');
      await accessible(noor, 'right to left');
      await noor.end();
      await server.stop();
    });
  }
}

test('a page without its server', async () => {
  const lonely = await startServer();
  const ada = await join(browser, lonely.url, 'Ada', 'tech', { allow: /./ });
  await say(ada, 'before');
  await sees(ada, 'before');
  await lonely.stop();
  await say(ada, 'after');
  await ada.waitForSelector('.banner.lost');
  await ada.screenshot({ path: `${FOLDER}lost.png` });
  await accessible(ada, 'connection lost');
  await ada.end();
});
