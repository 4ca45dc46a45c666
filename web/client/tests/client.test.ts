// @vitest-environment node
// The client for programs over fake sockets: promises, getters, several rooms.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import '../src/index.js';
import { FakeSocket, message } from '../../tests/fake-socket';
import { Chat } from '../src/chat.js';
import { Client } from '../src/client.js';
import type { HubbubError, Room } from '../src/index.js';
import { DEFAULTS } from '../src/options.js';

let sockets: FakeSocket[];
let client: Client;

beforeEach(() => {
  vi.useFakeTimers();
  sockets = [];
  client = new Client((token) => {
    const socket = new FakeSocket();
    sockets.push(socket);
    return new Chat(() => socket, { ...DEFAULTS, token });
  }, null);
});
afterEach(() => vi.useRealTimers());

const socket = (index = 0): FakeSocket => {
  const found = sockets[index];
  if (!found) throw new Error(`no connection ${index}`);
  return found;
};
/** What a promise was rejected with. */
const failure = (promise: Promise<unknown>): Promise<HubbubError> =>
  promise.then(
    () => Promise.reject(new Error('resolved')),
    (error) => error,
  );
const users = [
  { user_id: 'me', username: 'Ada' },
  { user_id: 'bob', username: 'Bob' },
];

async function enter(room = 'tech', index = 0): Promise<Room> {
  const joining = client.join(room, 'Ada');
  socket(index).up();
  socket(index).confirm({ room, users, history: [message(1, 'before', { room })], last_id: 1 });
  return await joining;
}

describe('changes to messages', () => {
  it('resolve when they are accepted, and are rejected with the reason or for want of an answer', async () => {
    const room = await enter();
    const edited = room.edit(1, 'better', { clientId: 'k' });
    expect(socket().last('edit_message').payload).toEqual({ id: 1, text: 'better', client_id: 'k' });
    socket().last('edit_message').ack({ ok: true, id: 2, timestamp: 't' });
    expect(await edited).toEqual({ clientId: 'k', id: 2, timestamp: 't' });
    const late = failure(room.edit(1, 'too late', { clientId: 'k2' }));
    socket()
      .last('edit_message')
      .ack({ ok: false, error: { code: 'too_late', message: 'late' } });
    expect(await late).toMatchObject({ code: 'too_late', clientId: 'k2' });
    const reacted = room.react(1, '👍');
    expect(socket().last('react').payload).toEqual({ id: 1, emoji: '👍', on: true });
    socket().last('react').ack({ ok: true, id: 3, timestamp: 't' });
    expect(await reacted).toBeUndefined();
    room.send('an answer', { clientId: 'k3', replyTo: 1 }).catch(() => {});
    expect(socket().last('send_message').payload).toEqual({
      text: 'an answer',
      client_id: 'k3',
      reply_to: 1,
    });
    const lost = failure(room.delete(1));
    socket().drop();
    expect(await lost).toMatchObject({ code: 'timeout' });
    room.leave();
    expect(await failure(room.delete(1))).toMatchObject({ code: 'closed' });
  });
});

describe('join', () => {
  it('resolves with the room, its users and its history', async () => {
    const room = await enter();
    expect([room.name, room.username, room.userId, room.closed]).toEqual(['tech', 'Ada', 'me', false]);
    expect(room.users).toEqual(users);
    expect(room.history.map(({ text }) => text)).toEqual(['before']);
    expect(client.rooms.map(({ name }) => name)).toEqual(['general', 'tech']);
    expect(client.joined).toEqual([room]);
  });

  it('is rejected with the code of the server’s refusal, and leaves the connection for another try', async () => {
    const joining = failure(client.join('tech', 'Bob'));
    socket().up();
    socket()
      .last('join_room')
      .ack({ ok: false, error: { code: 'username_taken', message: 'taken' } });
    expect(await joining).toMatchObject({ name: 'HubbubError', code: 'username_taken', message: 'taken' });
    expect(client.joined).toEqual([]);
    await enter();
    expect(sockets.length).toBe(1);
  });

  it('is rejected if the server accepts no connection', async () => {
    const joining = failure(client.join('tech', 'Ada'));
    socket().active = false;
    socket().say('connect_error', new Error('banned'));
    expect(await joining).toMatchObject({ code: 'connection_refused', message: 'banned' });
  });

  it('is rejected after its timeout, and not tried after that', async () => {
    const joining = failure(client.join('tech', 'Ada', { timeoutMs: 500 }));
    vi.advanceTimersByTime(500);
    expect((await joining).code).toBe('timeout');
    socket().up();
    expect(socket().count('join_room')).toBe(0);
  });

  it('is rejected if the client is closed meanwhile', async () => {
    const joining = failure(client.join('tech', 'Ada'));
    client.close();
    expect((await joining).code).toBe('closed');
  });

  it('loses no message that arrives together with the answer', async () => {
    const joining = client.join('tech', 'Ada');
    socket().up();
    socket().confirm({ last_id: 1 });
    socket().say('receive_message', message(2));
    const room = await joining;
    const texts: string[] = [];
    room.on('message', ({ message }) => texts.push(message.text));
    vi.advanceTimersByTime(0);
    socket().say('receive_message', message(3));
    expect(texts).toEqual(['m2', 'm3']);
  });
});

describe('send', () => {
  it('resolves when the server has accepted the message', async () => {
    const room = await enter();
    const sending = room.send('hello', { clientId: 'key' });
    expect(socket().last('send_message').payload).toEqual({ text: 'hello', client_id: 'key' });
    socket().last('send_message').ack({ ok: true, id: 2, timestamp: 'now' });
    expect(await sending).toEqual({ clientId: 'key', id: 2, timestamp: 'now' });
  });

  it('resolves each of several with its own id, in order', async () => {
    const room = await enter();
    const sending = Promise.all(['a', 'b'].map((text) => room.send(text)));
    socket().last('send_message').ack({ ok: true, id: 2, timestamp: '' });
    socket().last('send_message').ack({ ok: true, id: 3, timestamp: '' });
    expect((await sending).map(({ id }) => id)).toEqual([2, 3]);
  });

  it('is rejected with the server’s code and the key', async () => {
    const room = await enter();
    const sending = failure(room.send('x', { clientId: 'key' }));
    socket()
      .last('send_message')
      .ack({ ok: false, error: { code: 'text_too_long', message: 'too long' } });
    expect(await sending).toMatchObject({ code: 'text_too_long', message: 'too long', clientId: 'key' });
  });

  it('waits over a lost connection', async () => {
    const room = await enter();
    socket().drop();
    const sending = room.send('later');
    expect(socket().count('send_message')).toBe(0);
    vi.advanceTimersByTime(2000);
    socket().up();
    socket().confirm({ recovered: true, last_id: 1 });
    socket().last('send_message').ack({ ok: true, id: 2, timestamp: '' });
    expect((await sending).id).toBe(2);
  });

  it('that was rejected for want of an answer is not sent again unasked', async () => {
    const room = await enter();
    const sending = failure(room.send('hello', { clientId: 'key' }));
    vi.advanceTimersByTime(9000);
    expect(await sending).toMatchObject({ code: 'timeout', clientId: 'key' });
    const count = socket().count('send_message');
    socket().drop();
    vi.advanceTimersByTime(2000);
    socket().up();
    socket().confirm({ recovered: true, last_id: 1 });
    expect(socket().count('send_message')).toBe(count);
    const again = room.send('hello', { clientId: 'key' });
    socket().last('send_message').ack({ ok: true, id: 2, timestamp: '', duplicate: true });
    expect((await again).id).toBe(2);
  });

  it('is rejected where the room is left, before and after', async () => {
    const room = await enter();
    const sending = failure(room.send('a'));
    const waiting = failure(room.send('b'));
    room.leave();
    expect([(await sending).code, (await waiting).code]).toEqual(['closed', 'closed']);
    expect((await failure(room.send('c'))).code).toBe('closed');
    expect(client.joined).toEqual([]);
  });

  it('refuses a key that is on its way', async () => {
    const room = await enter();
    const first = room.send('a', { clientId: 'key' });
    expect((await failure(room.send('b', { clientId: 'key' }))).code).toBe('conflict');
    socket().last('send_message').ack({ ok: true, id: 2, timestamp: '' });
    expect((await first).id).toBe(2);
  });
});

describe('a room', () => {
  it('keeps its users up to date', async () => {
    const room = await enter();
    const counts: number[] = [];
    room.on('users', (list) => counts.push(list.length));
    vi.advanceTimersByTime(0);
    socket().say('system_message', { text: '', id: 2, kind: 'left', username: 'Bob', user_id: 'bob' });
    expect(room.users).toEqual([users[0]]);
    expect(counts).toEqual([2, 1]);
  });

  it('is entered again after a lost connection, with what was missed', async () => {
    const room = await enter();
    const seen: unknown[] = [];
    vi.advanceTimersByTime(0);
    room.on('rejoined', ({ continuity }) => seen.push(continuity));
    room.on('gap', (gap) => seen.push(gap));
    room.on('message', ({ message, live }) => seen.push([message.text, live]));
    socket().drop();
    vi.advanceTimersByTime(2000);
    socket().up();
    socket().confirm({ recovered: true, last_id: 2 });
    socket().say('receive_message', message(2));
    socket().drop();
    vi.advanceTimersByTime(2000);
    socket().up();
    socket().confirm({ recovered: false, last_id: 9, history: [message(9)] });
    expect(seen).toEqual(['resumed', ['m2', false], null, 'broken', ['m9', false]]);
  });

  it('is closed where the server does not let this program in again', async () => {
    const room = await enter();
    const closed: unknown[] = [];
    room.on('closed', (error) => closed.push(error?.code));
    vi.advanceTimersByTime(0);
    const sending = failure(room.send('x'));
    socket().drop();
    vi.advanceTimersByTime(2000);
    socket().up();
    socket()
      .last('join_room')
      .ack({ ok: false, error: { code: 'banned', message: 'banned' } });
    expect([closed, room.closed, client.joined]).toEqual([['banned'], true, []]);
    expect((await sending).code).toBe('banned');
  });

  it('is closed where the server ends the connection', async () => {
    const room = await enter();
    vi.advanceTimersByTime(0);
    socket().drop('io server disconnect');
    expect(room.closed).toBe(true);
  });

  it('takes another name, or keeps the old one where it is refused', async () => {
    const room = await enter();
    vi.advanceTimersByTime(0);
    const refused = failure(room.rename('admin'));
    const error = { code: 'invalid_username', message: 'reserved' };
    socket().last('join_room').ack({ ok: false, error });
    expect((await refused).code).toBe('invalid_username');
    expect([room.username, room.closed]).toEqual(['Ada', false]);
    const renamed = room.rename('Countess');
    socket().confirm({ username: 'Countess', last_id: 2 });
    await renamed;
    expect(room.username).toBe('Countess');
  });

  it('goes on where one of its listeners throws', async () => {
    const room = await enter();
    vi.spyOn(console, 'error').mockImplementation(() => {});
    const texts: string[] = [];
    room.on('message', () => {
      throw new Error('broken listener');
    });
    room.on('message', ({ message }) => texts.push(message.text));
    vi.advanceTimersByTime(0);
    socket().say('receive_message', message(2));
    socket().say('receive_message', message(3));
    expect(texts).toEqual(['m2', 'm3']);
  });
});

describe('several rooms', () => {
  it('have a connection each, and messages of their own', async () => {
    const tech = await enter('tech', 0);
    const music = await enter('music', 1);
    vi.advanceTimersByTime(0);
    const seen: string[] = [];
    for (const room of [tech, music]) {
      room.on('message', ({ message }) => seen.push(`${room.name}: ${message.text}`));
    }
    socket(0).say('receive_message', message(2, 'a', { room: 'tech' }));
    socket(1).say('receive_message', message(2, 'b', { room: 'music' }));
    expect(seen).toEqual(['tech: a', 'music: b']);
    expect(client.joined.map(({ name }) => name)).toEqual(['tech', 'music']);
  });

  it('are left one by one; the first connection stays for the list of rooms', async () => {
    const tech = await enter('tech', 0);
    const music = await enter('music', 1);
    vi.advanceTimersByTime(0);
    tech.leave();
    music.leave();
    expect(sockets.map(({ connected }) => connected)).toEqual([true, false]);
    expect(client.joined).toEqual([]);
    await enter('tech', 0);
    expect(sockets.length).toBe(2);
  });

  it('are all left when the client is closed', async () => {
    const rooms = [await enter('tech', 0), await enter('music', 1)];
    vi.advanceTimersByTime(0);
    client.close();
    expect(rooms.map(({ closed }) => closed)).toEqual([true, true]);
    expect(sockets.map(({ connected }) => connected)).toEqual([false, false]);
  });
});

it('rooms and counts are there before any room is joined', () => {
  const lists: number[] = [];
  client.once('rooms', (rooms) => lists.push(rooms.length));
  client.connect();
  socket().up();
  expect([lists, client.rooms.length, client.token]).toEqual([[2], 2, 't1']);
});
