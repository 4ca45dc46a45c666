// A server, a browser, people in front of it, and people without one.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

// The packages are the web client's own.
const require = createRequire(new URL('../../web/package.json', import.meta.url));
const { chromium } = require('playwright-core');
const { io } = require('socket.io-client');
const axeSource = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

export const ARTEFACTS = new URL('../../target/web/', import.meta.url).pathname;
mkdirSync(ARTEFACTS, { recursive: true });

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--enable-precise-memory-info',
  '--js-flags=--expose-gc',
];

/** What a failed test leaves behind would keep the run from ending. */
const leftovers = new Set();

export const atEnd = (end) => leftovers.add(end);

export async function cleanUp() {
  for (const end of leftovers) await end();
}

/** Starts the server; resolves when it listens. */
export async function startServer(env = {}) {
  const { PATH, HUBBUB_BIN = 'target/debug/hubbub', WEB_DIR } = process.env;
  const child = spawn(HUBBUB_BIN, [], {
    env: { PATH, HOST: '127.0.0.1', PORT: '0', RUST_LOG: 'warn', ...(WEB_DIR ? { WEB_DIR } : {}), ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const stop = async (signal = 'SIGKILL') => {
    leftovers.delete(stop);
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  };
  leftovers.add(stop);
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /listening on (http:\S+)/.exec(line)?.[1];
    if (!url) continue;
    return { url, port: new URL(url).port, stop };
  }
  throw new Error('the server ended before it listened');
}

export async function startBrowser(options = {}) {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  const browser = await chromium.launch({ executablePath, args: FLAGS, ...options });
  leftovers.add(() => browser.close());
  return browser;
}

export const PHONE = { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true };

/** A page of somebody's own; `errors` gathers what the console says. */
export async function open(browser, url, options = {}) {
  const { allow, init, ...rest } = options;
  const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1280, height: 800 }, ...rest });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const errors = [];
  page.on('console', (message) => {
    const text = message.text();
    if (['error', 'warning'].includes(message.type()) && !allow?.test(text)) errors.push(text);
  });
  page.on('pageerror', (error) => errors.push(String(error)));
  if (init) await init(page);
  await page.goto(url);
  return Object.assign(page, { errors, end: () => context.close() });
}

/** Signs in and waits for the room. */
export async function join(browser, url, name, room, options) {
  const page = await open(browser, `${url}/${room}`, options);
  await page.waitForSelector('.card :checked');
  await page.fill('.panel input:not([type=radio])', name);
  await page.click('.primary');
  await page.waitForSelector('#composer');
  return page;
}

export async function say(page, text) {
  await page.fill('#composer', text);
  await page.click('.composer .send');
}

/** What the log shows, message by message. */
export const texts = (page) => page.$$eval('.log .text', (rows) => rows.map((row) => row.textContent));

export async function sees(page, text) {
  await page.waitForFunction(
    (wanted) => [...document.querySelectorAll('.log .text')].some((row) => row.textContent.includes(wanted)),
    text,
    { timeout: 10_000 },
  );
}

/** The pages have been quiet, and are closed. */
export async function done(...pages) {
  for (const page of pages) {
    assert.deepEqual(page.errors, []);
    await page.end();
  }
}

/** No accessibility fault that axe knows, in the page as it is. */
export async function accessible(page, what) {
  // As a debugger would run it: the page's own policy forbids scripts from strings.
  const session = await page.context().newCDPSession(page);
  await session.send('Runtime.evaluate', { expression: axeSource });
  const { result } = await session.send('Runtime.evaluate', {
    expression: `axe.run(document, { resultTypes: ['violations'] }).then((r) => JSON.stringify(
      r.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.target.join(' ') + ' ' + n.failureSummary).join(' | '))))`,
    awaitPromise: true,
    returnByValue: true,
  });
  assert.deepEqual(JSON.parse(result.value), [], what);
}

/** A member without a page. */
export async function member(url, name, room, auth = {}) {
  const socket = io(url, { transports: ['websocket'], forceNew: true, auth });
  leftovers.add(() => socket.close());
  const received = [];
  socket.on('receive_message', (message) => received.push(message.text));
  const session = await told(socket, 'session');
  const ask = (event, payload) => new Promise((resolve) => socket.emit(event, payload, resolve));
  assert.equal((await ask('join_room', { room_name: room, username: name })).ok, true);
  return {
    socket,
    session,
    received,
    say: (text) => ask('send_message', { text }),
    /** Without waiting for the answer. */
    shout: (text) => socket.emit('send_message', { text }),
    end: () => socket.close(),
  };
}

/** For rooms of thousands of messages, and nobody is refused for being fast. */
export const LARGE_ROOMS = { MESSAGE_RATE: '0', HISTORY_MESSAGES: '20000', HISTORY_BYTES: '0' };

/** Fills a room with so many messages, `text(1)` the first of them. Returns the bot that sent them. */
export async function fill(url, room, count, text = (number) => `message ${number}`) {
  const bot = await member(url, 'Bot', room);
  for (let sent = 0; sent < count; sent += 500) {
    await Promise.all(Array.from({ length: 500 }, (_, i) => bot.say(text(sent + i + 1))));
  }
  return bot;
}

/** Keeps the token that a page is given in `token.value`. */
export function tokenOf(page, token) {
  page.on('websocket', (socket) =>
    socket.on('framereceived', ({ payload }) => {
      const packet = String(payload);
      if (packet.startsWith('42["session"')) token.value = JSON.parse(packet.slice(2))[1].token;
    }),
  );
}

/** The person that a token names, in another window. */
export const takeOver = (url, token, name, room) => member(url, name, room, { token });

const told = (socket, event) => new Promise((resolve) => socket.once(event, resolve));

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A figure and its budget: printed, then enforced. */
export function figure(what, value, limit, unit) {
  console.log(`    ${what}: ${Math.round(value * 10) / 10} ${unit} (at most ${limit})`);
  assert.ok(value <= limit, `${what}: ${value} ${unit} is more than ${limit}`);
}

/** Lets a test close the page's WebSocket as a failing network would. */
export function breakable(page) {
  return page.addInitScript(() => {
    const Native = window.WebSocket;
    const opened = [];
    window.WebSocket = class extends Native {
      constructor(...given) {
        super(...given);
        opened.push(this);
      }
    };
    window.breakConnection = () => {
      for (const socket of opened) socket.close();
    };
  });
}
