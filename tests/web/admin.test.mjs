// The admin page: a story by mouse, one by keys, tokens of every kind, and how it looks. Pictures of every section are
// left under target/web/admin/.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { startProxy } from './proxy.mjs';
import { ARTEFACTS, accessible, cleanUp, done, member, open, PHONE, startBrowser, startServer } from './support.mjs';

const FOLDER = `${ARTEFACTS}admin/`;
mkdirSync(FOLDER, { recursive: true });
const ADMIN_TOKEN = 'the-token-of-the-admin-of-a-test-server';
const SECRET_KEY = 'the key of a test server, 32 bytes and more';
// Chromium reports every answer that is an error, also one that the page expects.
const REFUSED = /status of (401|403|404|503)|ERR_CONNECTION/;
const SECTIONS = [
  'overview', 'rooms', 'rooms/tech', 'people', 'bans', 'held', 'audit', 'refusals', 'webhooks', 'tokens', 'settings',
];

/** Sizes, and the colours that are looked at there; ALL_SCREENS=1 leaves pictures of everything. */
const SIZES = [
  [390, 780, 'dark'],
  [820, 1180],
  [1440, 900, 'light'],
  [2560, 1440],
].map(([width, height, ...schemes]) => [width, height, ...(process.env.ALL_SCREENS ? ['light', 'dark'] : schemes)]);

let browser;
let server;
before(async () => {
  browser = await startBrowser();
  server = await startServer({ ADMIN_TOKEN, SECRET_KEY, MESSAGE_RATE: '0' });
});
after(cleanUp);

/** Makes a token as operators do. */
function made(...args) {
  const bin = process.env.HUBBUB_BIN ?? 'target/debug/hubbub';
  const env = { PATH: process.env.PATH, SECRET_KEY };
  return JSON.parse(execFileSync(bin, ['token', '--json', ...args], { env, encoding: 'utf8' }));
}

/** The admin page, signed in by a link, at one of its sections. */
async function signedIn(section = 'overview', { token = ADMIN_TOKEN, url = server.url, ...options } = {}) {
  const page = await open(browser, `${url}/admin#token=${token}`, { allow: REFUSED, ...options });
  await page.waitForSelector('.admin h1');
  if (section !== 'overview') await go(page, section);
  return page;
}

async function go(page, section) {
  await page.evaluate((hash) => {
    location.hash = hash;
  }, section);
  await settled(page);
}

/** Nothing is loading any more. */
const settled = (page) =>
  page.waitForFunction(() => document.querySelector('h1') && !document.querySelector('.skeletons'));

const row = (page, text) => page.locator('tbody tr', { hasText: text });
const result = (page, text) => page.waitForSelector(`.result >> text=${text}`);

/** Presses Tab until what has the focus is called so. */
async function tabTo(page, name, key = 'Tab') {
  for (let presses = 0; presses < 120; presses += 1) {
    await page.keyboard.press(key);
    const found = await page.evaluate(() => {
      const element = document.activeElement;
      return element?.getAttribute('aria-label') ?? element?.textContent?.trim() ?? '';
    });
    if (found === name) return;
  }
  assert.fail(`no ${key} reaches "${name}"`);
}

test('a wrong token, one of a member, and a moderator who is shown what a moderator may see', async () => {
  const page = await open(browser, `${server.url}/admin`, { allow: REFUSED });
  await page.waitForSelector('#token');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'token');
  await accessible(page, 'sign-in');
  await page.fill('#token', 'wrong');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#token-error:has-text("not valid")');
  await accessible(page, 'a wrong token');
  await page.fill('#token', made('--role', 'member', '--name', 'Ada').token);
  await page.keyboard.press('Enter');
  await page.waitForSelector('#token-error:has-text("one of a member")');
  const mo = made('--role', 'moderator', '--name', 'Mo');
  await page.fill('#token', mo.token);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.signed-in >> text=Mo');
  for (const section of ['audit', 'refusals', 'settings', 'tokens']) {
    await go(page, section);
    await page.waitForSelector('.state >> text=Only an admin may see this');
    await accessible(page, `${section} of a moderator`);
  }
  for (const section of ['rooms', 'people', 'bans']) {
    await go(page, section);
    assert.equal(await page.$('.state >> text=Only an admin'), null, section);
  }
  // A reload goes on, and Back leads through the sections.
  await page.reload();
  await page.waitForSelector('h1:has-text("Bans and mutes")');
  await page.goBack();
  await page.waitForSelector('h1:has-text("People")');
  // Revoked elsewhere: back to the sign-in, with the reason.
  const body = JSON.stringify({ token_id: mo.token_id });
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' };
  await fetch(`${server.url}/api/v1/tokens/revoke`, { method: 'POST', headers, body });
  await page.waitForSelector('#token-error:has-text("revoked")');
  await page.reload();
  await page.waitForSelector('#token');
  assert.equal(await page.evaluate(() => sessionStorage.length), 0, 'the token is not kept');
  await done(page);
});

test('a day of an admin: figures move, a room is run, somebody is banned and comes back', async () => {
  const bob = await member(server.url, 'Bob', 'tech');
  const page = await signedIn();
  assert.equal(new URL(page.url()).hash, '', 'the token is not in the address');
  assert.equal(await page.evaluate(() => document.activeElement.tagName), 'H1');
  await page.waitForSelector('.chart .line', { state: 'attached' });
  const messages = () => page.textContent('.facts > div:has-text("Messages since") dd');
  const before = await messages();
  await bob.say('Hello');
  await page.waitForFunction(
    (old) => {
      const facts = [...document.querySelectorAll('.facts > div')];
      return facts.find((fact) => fact.textContent.includes('Messages since'))?.querySelector('dd').textContent !== old;
    },
    before,
  );
  await page.waitForSelector('.chart:has-text("Connections") .value:has-text("1")');

  // The room.
  await page.click('nav >> text=Rooms');
  await row(page, 'tech').locator('text=Hello').waitFor();
  await page.click('tbody a:has-text("tech")');
  await page.waitForSelector('.messages >> text=Hello');
  await page.fill('#content label:has-text("Topic") + input', 'About everything');
  await page.click('text=Set the topic');
  await result(page, 'The topic is set.');
  await page.selectOption('#content label:has-text("Slow mode") + select', '30');
  await result(page, 'Slow mode: 30 s.');
  await page.click('text=Lock the room');
  await page.keyboard.press('Escape');
  assert.equal(await page.$('dialog'), null, 'Escape does nothing');
  await page.click('text=Lock the room');
  await accessible(page, 'a question');
  await page.click('dialog button:has-text("Lock")');
  await page.waitForSelector('.badge:has-text("Locked")');
  const refused = await bob.say('May I?');
  assert.equal(refused.error.code, 'locked');
  await page.fill('textarea', 'Back in five minutes');
  await page.click('text=Post in the room');
  await page.click('dialog button:has-text("Post")');
  await page.waitForSelector('.messages >> text=Back in five minutes');
  await page.click('text=Open the room');
  await page.waitForSelector('.badge:has-text("Open")');

  // A person.
  const gone = new Promise((resolve) => bob.socket.once('disconnect', resolve));
  await row(page, 'Bob').locator('text=Ban').click();
  await page.fill('dialog input:not([type=checkbox])', 'spam');
  await page.click('dialog button:has-text("Ban")');
  await result(page, 'Bob is banned.');
  await gone;
  await page.click('nav >> text=Bans and mutes');
  await row(page, 'Bob').locator('text=spam').waitFor();
  await row(page, 'Bob').locator('text=Unban').click();
  await page.click('dialog button:has-text("Unban")');
  await page.waitForSelector('.state >> text=Nobody is banned');

  // What it left behind.
  await page.click('nav >> text=Audit log');
  await row(page, 'unban').waitFor();
  await row(page, 'spam').locator('text=Bob').waitFor();
  await page.selectOption('.filters select', 'slow_mode');
  assert.deepEqual(await page.$$eval('tbody th', (cells) => cells.map((cell) => cell.textContent)), ['slow mode']);
  await page.click('nav >> text=Refusals');
  await row(page, 'locked').locator('text=send_message').waitFor();
  await page.click('nav >> text=Settings');
  await row(page, 'ADMIN_TOKEN').locator('text=Set').first().waitFor();
  assert.ok(!(await page.content()).includes(SECRET_KEY));
  await page.click('text=Sign out');
  await page.waitForSelector('#token');
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  await done(page);
});

test('the same by keys alone', async () => {
  const cy = await member(server.url, 'Cy', 'music');
  const page = await open(browser, `${server.url}/admin`, { allow: REFUSED });
  await page.waitForSelector('#token');
  await page.keyboard.type(ADMIN_TOKEN);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.admin h1');
  await page.keyboard.press('Shift+Tab');
  await tabTo(page, 'Skip to the content', 'Shift+Tab');
  await tabTo(page, 'Rooms');
  await page.keyboard.press('Enter');
  await page.waitForSelector('tbody a');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Rooms');
  await tabTo(page, '# music');
  await page.keyboard.press('Enter');
  await page.waitForSelector('h1:has-text("music")');
  await row(page, 'Cy').waitFor();
  await tabTo(page, 'Mute Cy');
  await page.keyboard.press('Enter');
  await page.waitForSelector('dialog[open]');
  await tabTo(page, 'Mute');
  await page.keyboard.press('Enter');
  await result(page, 'Cy is muted.');
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'Mute Cy');
  assert.equal((await cy.say('Hm?')).error.code, 'muted');
  await tabTo(page, 'Lock the room', 'Shift+Tab');
  await page.keyboard.press('Enter');
  await tabTo(page, 'Lock');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.badge:has-text("Locked")');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Open the room');
  await tabTo(page, 'Bans and mutes', 'Shift+Tab');
  await page.keyboard.press('Enter');
  await tabTo(page, 'Unmute Cy');
  await page.keyboard.press('Enter');
  await tabTo(page, 'Unmute');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.state >> text=Nobody is banned');
  assert.equal(await page.evaluate(() => document.activeElement.tagName), 'H1', 'the focus is not lost');
  assert.equal((await cy.say('Thanks')).error.code, 'locked', 'muted no more');
  cy.end();
  await done(page);
});

test('every section, at four sizes, light and dark', async () => {
  const people = await Promise.all(
    Array.from({ length: 12 }, (_, i) => member(server.url, i % 5 === 3 ? `Wilhelmina Abernathy-Fea${i}` : `Guest ${i}`, 'tech')),
  );
  await people[0].say('A first thought');
  await people[1].say(`${'A longer thought, as people have them. '.repeat(6)}https://example.org/${'x'.repeat(80)}`);
  const banned = (await people[0].socket.emitWithAck('list_users', {})).users.slice(-2);
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' };
  for (const [action, { user_id }] of [['ban', banned[0]], ['mute', banned[1]]]) {
    const body = JSON.stringify({ action, user_id, for_s: 3600, reason: 'The same advertisement again and again' });
    await fetch(`${server.url}/api/v1/moderation`, { method: 'POST', headers, body });
  }
  const page = await signedIn();
  await page.waitForSelector('.chart .line', { state: 'attached' });
  for (const section of SECTIONS) {
    await go(page, section);
    for (const [width, height, ...schemes] of SIZES) {
      await page.setViewportSize({ width, height });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(wide <= 0, `${section} is ${wide} px too wide at ${width}`);
      for (const colorScheme of schemes) {
        await page.emulateMedia({ colorScheme });
        const path = `${FOLDER}${section.replace('/', '-')}-${width}x${height}-${colorScheme}.png`;
        await page.screenshot({ path, animations: 'disabled' });
        await accessible(page, `${section}, ${width}, ${colorScheme}`);
      }
    }
  }
  assert.equal(await page.$$eval('h1', (all) => all.length), 1);
  for (const person of people) person.end();
  await done(page);
});

test('on a phone, the sections are behind a button', async () => {
  const page = await signedIn('rooms', PHONE);
  assert.equal(await page.isVisible('nav'), false);
  await page.click('[aria-label="Sections"]');
  assert.equal(await page.getAttribute('[aria-label="Sections"]', 'aria-expanded'), 'true');
  await accessible(page, 'the open menu');
  await page.screenshot({ path: `${FOLDER}menu.png` });
  await page.keyboard.press('Escape');
  assert.equal(await page.isVisible('nav'), false);
  await page.click('[aria-label="Sections"]');
  await page.click('nav >> text=Tokens');
  await page.waitForSelector('h1:has-text("Tokens")');
  assert.equal(await page.isVisible('nav'), false);
  await done(page);
});

test('a server that is gone: says so, and goes on when it is back', async () => {
  const going = await startServer({ ADMIN_TOKEN, SECRET_KEY });
  const page = await signedIn('rooms', { url: going.url });
  await row(page, 'general').waitFor();
  await going.stop();
  await page.waitForSelector('.state.failed >> text=does not answer');
  assert.ok(await row(page, 'general').isVisible(), 'what was read stays');
  await accessible(page, 'a server that is gone');
  const back = await startServer({ ADMIN_TOKEN, SECRET_KEY, PORT: going.port });
  await page.click('text=Try again');
  await page.waitForSelector('.state.failed', { state: 'detached' });
  await done(page);
  await back.stop();
});

test('behind a proxy that takes a prefix away', async () => {
  const proxy = await startProxy(server.port, { prefix: '/chat/' });
  const requests = [];
  const init = async (page) => page.on('request', (request) => requests.push(request.url()));
  const page = await open(browser, `${proxy.url}/admin/rooms`, { allow: REFUSED, init });
  await page.waitForSelector('#token');
  assert.equal(page.url(), `${proxy.url}/admin#rooms`);
  await page.fill('#token', ADMIN_TOKEN);
  await page.keyboard.press('Enter');
  await row(page, 'general').waitFor();
  assert.deepEqual(requests.filter((request) => !request.startsWith(`${proxy.url}/`)), []);
  assert.equal(await page.getAttribute('text=Open the chat', 'href'), '/chat/');
  await done(page);
});

// Servers with webhooks or a word filter answer these calls; others 404, and the page says so.
test('webhooks and held messages: as the server has them', async () => {
  const page = await signedIn('webhooks');
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  const has = async (call) => (await fetch(`${server.url}/api/v1/${call}`, { headers })).status !== 404;
  if (await has('webhooks')) {
    await page.click('text=Add a webhook');
    await page.fill('dialog input[type=url]', 'https://203.0.114.7/hook');
    await page.click('dialog button:has-text("Add")');
    await page.waitForSelector('dialog >> text=shown only now');
    await accessible(page, 'a secret');
    await page.click('text=I have it');
    await row(page, '203.0.114.7').locator('text=Delete').click();
    await page.click('dialog button:has-text("Delete")');
    await result(page, 'The webhook is deleted.');
  } else await page.waitForSelector('text=This server has no webhooks.');
  if (await has('hooks')) {
    await page.click('text=Add an address');
    await page.click('dialog button:has-text("Add")');
    await page.waitForSelector('dialog pre:has-text("curl")');
    await page.click('text=I have it');
  } else await page.waitForSelector('text=no addresses for incoming messages.');
  await go(page, 'held');
  await page.waitForSelector(`.state >> text=${(await has('held')) ? 'Nothing waits' : 'holds no messages'}`);
  await done(page);
});
