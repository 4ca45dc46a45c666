// Writing, taking back, copying, and being told of what others write.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { cleanUp, done, join, member, open, say, sees, startBrowser, startServer, texts } from './support.mjs';

let browser;
let server;
before(async () => {
  browser = await startBrowser();
  server = await startServer({ MESSAGE_RATE: '0' });
});
after(cleanUp);

const ALT = 1;

/** Presses a key as a layout reports it: what it types, where it is, and with which modifiers. */
async function key(page, text, code, modifiers, name = text) {
  const session = await page.context().newCDPSession(page);
  const event = { key: name, code, modifiers, ...(text ? { text, unmodifiedText: text } : {}) };
  await session.send('Input.dispatchKeyEvent', { type: 'keyDown', ...event });
  await session.send('Input.dispatchKeyEvent', { type: 'keyUp', ...event });
  await session.detach();
}

test('what Option types is typed', async () => {
  const ada = await join(browser, server.url, 'Ada', 'tech');
  await ada.focus('#composer');
  for (const [text, code, modifiers] of [
    ['[', 'Digit5', ALT],
    ['|', 'Digit7', ALT],
    [']', 'Digit6', ALT],
    ['{', 'Digit8', ALT],
    ['}', 'Digit9', ALT],
    ['\u0105', 'KeyA', ALT],
  ]) {
    await key(ada, text, code, modifiers);
    assert.equal(await ada.$('dialog[open]'), null, `${text} opens nothing`);
  }
  await key(ada, '', 'Digit1', ALT, 'Dead');
  assert.equal(await ada.inputValue('#composer'), '[|]{}\u0105');
  assert.match(await ada.textContent('h1'), /tech/);
  // What types nothing still is a shortcut.
  await ada.keyboard.press('Alt+Digit1');
  await ada.waitForSelector('h1:has-text("general")');
  await ada.keyboard.press('Alt+ArrowDown');
  await ada.waitForSelector('h1:has-text("tech")');
  assert.equal(await ada.inputValue('#composer'), '[|]{}\u0105', 'the draft is there');
  await done(ada);
});

test('arrow up takes back what was not sent, and never what was', async () => {
  // A message arrives, but the page is told that it was refused, and its echo is lost.
  let lies = false;
  let ack = null;
  const init = (page) =>
    page.routeWebSocket(/socket\.io/, (socket) => {
      const upstream = socket.connectToServer();
      socket.onMessage((packet) => {
        if (lies) ack = /^42(\d+)\["send_message"/.exec(String(packet))?.[1] ?? ack;
        upstream.send(packet);
      });
      upstream.onMessage((packet) => {
        const text = String(packet);
        const answers = lies && ack !== null && text.startsWith(`43${ack}[`);
        if (answers) socket.send(`43${ack}[{"ok":false,"error":{"code":"muted","message":"no"}}]`);
        else if (!(lies && text.includes('receive_message'))) socket.send(packet);
      });
    });
  const ada = await join(browser, server.url, 'Ada', 'music', { init });
  const bob = await member(server.url, 'Bob', 'music');
  await say(ada, 'sent');
  await ada.waitForSelector('.m.own:not(.sending, .queued) .text');
  await ada.focus('#composer');
  // What was sent can be edited once it has come back from the server.
  const deadline = Date.now() + 15_000;
  while ((await ada.$('.editor textarea:focus')) === null) {
    assert.ok(Date.now() < deadline, 'it cannot be edited');
    await ada.keyboard.press('ArrowUp');
    assert.equal(await ada.inputValue('#composer'), '');
  }
  await ada.keyboard.press('Escape');
  lies = true;
  await say(ada, 'arrives, but who knows');
  await ada.waitForSelector('.status.failed');
  await ada.focus('#composer');
  await ada.keyboard.press('ArrowUp');
  assert.equal(await ada.inputValue('#composer'), 'arrives, but who knows');
  await ada.waitForSelector('.status.failed', { state: 'detached' });
  assert.deepEqual(await texts(ada), ['sent'], 'its row is gone');
  // The key outlives a reload, as the draft does.
  lies = false;
  await ada.reload();
  await ada.waitForSelector('#composer');
  await sees(ada, 'arrives, but who knows');
  await ada.focus('#composer');
  await ada.keyboard.press('Enter');
  await ada.waitForFunction(() => !document.querySelector('.sending, .queued'));
  await bob.say('fence');
  await sees(ada, 'fence');
  assert.deepEqual(bob.received, ['sent', 'arrives, but who knows', 'fence'], 'nothing twice');
  assert.deepEqual(await texts(ada), ['sent', 'arrives, but who knows', 'fence']);
  bob.end();
  await done(ada);
});

test('a selection over messages is copied as who said what', async () => {
  const bob = await member(server.url, 'Bob', 'sports');
  const ada = await join(browser, server.url, 'Ada', 'sports');
  await ada.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await bob.say('one *bold* word');
  await bob.say('two\nlines');
  await bob.say('```\ncode\n```');
  await sees(ada, 'code');
  await say(ada, 'mine');
  await sees(ada, 'mine');
  const copy = async (from, to) => {
    await ada.evaluate(
      ([start, end]) => {
        const node = ([selector, at]) => [...document.querySelectorAll(selector)].at(at);
        const range = document.createRange();
        range.setStartBefore(node(start));
        range.setEndAfter(node(end));
        getSelection().removeAllRanges();
        getSelection().addRange(range);
      },
      [from, to],
    );
    await ada.focus('#log');
    await ada.keyboard.press('Control+c');
    return ada.evaluate(() => navigator.clipboard.readText());
  };
  const lines = ['Bob: one *bold* word', 'Bob: two\nlines', 'Bob: ```\ncode\n```', 'Ada: mine'];
  assert.equal(await copy(['.log .disc', 0], ['.log .m', -1]), lines.join('\n'));
  await ada.focus('#log');
  await ada.keyboard.press('Control+a');
  await ada.keyboard.press('Control+c');
  assert.equal(await ada.evaluate(() => navigator.clipboard.readText()), lines.join('\n'), 'also with all selected');
  // A part of two messages, from within the first to within the second.
  await ada.evaluate(() => {
    const [first, second] = document.querySelectorAll('.log .text');
    getSelection().setBaseAndExtent(first.firstChild, 4, second.firstChild, 3);
  });
  await ada.keyboard.press('Control+c');
  assert.equal(await ada.evaluate(() => navigator.clipboard.readText()), 'Bob: bold word\nBob: two');
  // Within one message the browser's own copy is right.
  await ada.evaluate(() => getSelection().selectAllChildren(document.querySelectorAll('.log .text')[1]));
  await ada.keyboard.press('Control+c');
  assert.equal(await ada.evaluate(() => navigator.clipboard.readText()), 'two\nlines');
  // And outside the messages.
  await ada.evaluate(() => getSelection().selectAllChildren(document.querySelector('h1')));
  await ada.keyboard.press('Control+c');
  assert.match(await ada.evaluate(() => navigator.clipboard.readText()), /sports/);
  bob.end();
  await done(ada);
});

test('notifications come when the window is not in front, one for a room', async () => {
  const init = (page) =>
    page.addInitScript(() => {
      window.notifications = [];
      window.Notification = class {
        static permission = 'granted';
        static requestPermission = async () => 'granted';
        constructor(title, options) {
          window.notifications.push({ title, ...options });
        }
        close() {}
      };
      localStorage.setItem('hubbub.notify', '"all"');
      window.inFront = true;
      document.hasFocus = () => window.inFront;
    });
  const ada = await join(browser, server.url, 'Ada', 'gaming', { init });
  const bob = await member(server.url, 'Bob', 'gaming');
  const shown = () => ada.evaluate(() => window.notifications);
  await bob.say('in front');
  await sees(ada, 'in front');
  assert.deepEqual(await shown(), []);
  // The tab is visible all the time: another window has the focus.
  await ada.evaluate(() => {
    window.inFront = false;
    dispatchEvent(new Event('blur'));
  });
  for (let i = 0; i < 200; i += 1) bob.shout(`message ${i}`);
  await sees(ada, 'message 199');
  const first = await shown();
  assert.ok(first.length <= 2, `${first.length} notifications for 200 messages`);
  assert.deepEqual(first[0], { title: 'Bob \u00b7 #gaming', body: 'message 0', tag: 'gaming' });
  await ada.waitForFunction(() => window.notifications.at(-1).body.includes('200 new messages'));
  assert.ok((await shown()).length <= 3);
  bob.end();
  await done(ada);
});

test('the setting says when the browser refuses notifications', async () => {
  const ada = await join(browser, server.url, 'Ada', 'gaming');
  await ada.click('[aria-label="Settings"]');
  await ada.click('dialog label:has-text("All messages")');
  // A headless browser refuses without asking.
  await ada.waitForSelector('dialog .error:has-text("blocks notifications")');
  await ada.click('dialog label:has-text("Off")');
  await ada.waitForSelector('dialog .error:has-text("blocks notifications")', { state: 'detached' });
  await done(ada);
});

test('a room is found whatever its address is like', async () => {
  for (const path of ['tech/', 'Tech', 'TECH/', '%74ech', 'tech//']) {
    const ada = await open(browser, `${server.url}/${path}`);
    await ada.waitForSelector('.card :checked');
    assert.equal(await ada.inputValue('.card :checked'), 'tech', path);
    assert.equal(await ada.$('.banner'), null, path);
    await ada.fill('.panel input:not([type=radio])', 'Ada');
    await ada.keyboard.press('Enter');
    await ada.waitForSelector('h1:has-text("tech")');
    assert.equal(new URL(ada.url()).pathname, '/tech', path);
    await done(ada);
  }
  const ada = await open(browser, `${server.url}/Nowhere/`, { allow: /status of 404/ });
  await ada.waitForSelector('.banner:has-text("Nowhere")');
  await done(ada);
});

test('marks, emoji, names and commands, as they are written', async () => {
  const bob = await member(server.url, 'Bob Van Dyke', 'tech');
  const ada = await join(browser, server.url, 'Ada', 'tech');
  await say(ada, '**b *i*** ~~s~~ www.a.example me@a.example');
  await ada.waitForSelector('.text strong em');
  await ada.waitForSelector('.text s');
  assert.deepEqual(
    await ada.$$eval('.log .text a', (links) => links.map((link) => link.getAttribute('href'))),
    ['https://www.a.example/', 'mailto:me@a.example'],
  );
  await ada.fill('#composer', '> quoted\n- one\n- two');
  await ada.keyboard.press('Enter');
  await ada.waitForSelector('.text blockquote:has-text("quoted")');
  assert.equal(await ada.$$eval('.text li', (items) => items.length), 2);

  await ada.type('#composer', ':tad');
  await ada.waitForSelector('[role=option]:has-text(":tada:")');
  await ada.keyboard.press('Tab');
  await ada.keyboard.type('@van');
  await ada.waitForSelector('[role=option]:has-text("Bob Van Dyke")');
  await ada.keyboard.press('Enter');
  assert.equal(await ada.inputValue('#composer'), '🎉 @Bob Van Dyke ');
  await ada.fill('#composer', '🎉');
  await ada.keyboard.press('Enter');
  await ada.waitForSelector('.text.large');

  await ada.fill('#composer', '/');
  await ada.waitForSelector('[role=option]:has-text("/shrug")');
  assert.equal(await ada.$('[role=option]:has-text("/topic")'), null, 'for moderators');
  await ada.keyboard.type('sh');
  await ada.keyboard.press('Tab');
  await ada.keyboard.type('well');
  await ada.keyboard.press('Enter');
  await sees(ada, 'well ¯\\_(ツ)_/¯');
  await say(ada, '/me waves');
  await ada.waitForSelector('.text em:text-is("waves")');
  await say(ada, '/nothing oops');
  await ada.waitForSelector('#composer-hint:has-text("There is no command /nothing")');
  await say(ada, '//etc');
  await sees(ada, '/etc');
  await say(ada, '/nick Countess');
  await ada.waitForSelector('.people-list li:has-text("Countess")');
  await ada.fill('#composer', '/help');
  await ada.keyboard.press('Enter');
  await ada.waitForSelector('dialog[open] .written');
  await ada.keyboard.press('Escape');
  bob.end();
  await done(ada);
});

test('twenty short lines of a lively room fit, in one column at any width', async () => {
  const people = await Promise.all(['Bob', 'Cy', 'Dee'].map((name) => member(server.url, name, 'gaming')));
  for (let i = 0; i < 40; i += 1) await people[i % 3].say(`line ${i}`);
  const ada = await join(browser, server.url, 'Ada', 'gaming', { viewport: { width: 1440, height: 900 } });
  await sees(ada, 'line 39');
  const whole = await ada.evaluate(() => {
    const { top, bottom } = document.querySelector('.log').getBoundingClientRect();
    const boxes = [...document.querySelectorAll('.m')].map((row) => row.getBoundingClientRect());
    return boxes.filter((box) => box.top >= top && box.bottom <= bottom).length;
  });
  assert.ok(whole >= 20, `${whole} lines`);
  for (const width of [1440, 2560]) {
    await ada.setViewportSize({ width, height: 900 });
    const [rows, box] = await ada.evaluate(() =>
      ['.log ol', '.composer .box'].map((what) => {
        const { left, width } = document.querySelector(what).getBoundingClientRect();
        return { left, width };
      }),
    );
    assert.ok(Math.abs(rows.left - box.left) < 24 && Math.abs(rows.width - box.width) < 48, `${width} px`);
    assert.ok(rows.width < 900, `${rows.width} px at ${width}`);
  }
  for (const bot of people) bot.end();
  await done(ada);
});
