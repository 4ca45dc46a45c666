// @vitest-environment node
// The client against a fake server: joining, resuming, applying once and in order.

import { describe, expect, it, vi } from 'vitest';
import '../src/index.js';
import { message } from '../../tests/fake-socket';
import type { ConnectionState } from '../src/connection.js';
import type { ChatEvents } from '../src/events.js';
import { DEFAULTS } from '../src/options.js';
import { chat, enter, log, socket } from './fake-server';

describe('joining', () => {
  it('asks for history and users, and takes up live messages', () => {
    enter({ history: [message(1), message(2)], last_id: 2 });
    expect(socket.last('join_room').payload).toEqual({
      room_name: 'tech',
      username: 'Ada',
      history: DEFAULTS.history,
      users: true,
    });
    socket.say('receive_message', message(3));
    expect(log).toEqual(['fresh [1 2]', '3']);
  });

  it('takes the lists from the acknowledgement, which has them instead of the confirmation', () => {
    const lists: string[] = [];
    chat.on('users', ({ users }) => lists.push(users.map((user) => user.username).join(' ')));
    chat.connect();
    chat.join('tech', 'Ada');
    socket.up();
    const users = [{ user_id: 'me', username: 'Ada' }];
    const confirm = { room: 'tech', users_count: 1, username: 'Ada', epoch: 'e1', last_id: 2, user_id: 'me' };
    socket.last('join_room').ack({ ok: true, ...confirm, history: [message(1), message(2)], users });
    socket.say('join_confirm', confirm);
    expect([log, lists]).toEqual([['fresh [1 2]'], ['Ada']]);
    // The lists were of that join alone.
    socket.confirm({ last_id: 2 });
    expect(log.at(-1)).toBe('resumed []');
  });

  it('drops duplicates and messages of another room', () => {
    enter({ history: [message(1)], last_id: 1 });
    socket.say('receive_message', message(1));
    socket.say('receive_message', message(2));
    socket.say('receive_message', message(2));
    socket.say('receive_message', message(9, 'x', { room: 'general' }));
    expect(log).toEqual(['fresh [1]', '2']);
  });

  it('lets the last of several joins win', () => {
    chat.connect();
    socket.up();
    chat.join('general', 'Ada');
    chat.join('tech', 'Ada');
    socket.confirm({ room: 'general' });
    expect(chat.joined).toBeNull();
    socket.confirm();
    expect(chat.joined?.room).toBe('tech');
  });

  it('tells a refusal once and joins no more', () => {
    const refused: ChatEvents['refused'][] = [];
    chat.on('refused', (refusal) => refused.push(refusal));
    chat.connect();
    chat.join('tech', 'Ada');
    socket.up();
    socket.last('join_room').ack({ ok: false, error: { code: 'username_taken', message: 'taken' } });
    socket.drop();
    vi.advanceTimersByTime(30_000);
    socket.up();
    expect(refused).toHaveLength(1);
    expect(socket.count('join_room')).toBe(1);
  });

  it('asks again where the server is only busy', () => {
    chat.connect();
    chat.join('tech', 'Ada');
    socket.up();
    socket.last('join_room').ack({ ok: false, error: { code: 'busy', message: '', retry_after_ms: 200 } });
    vi.advanceTimersByTime(200);
    expect(socket.count('join_room')).toBe(2);
  });
});

describe('a page that is left', () => {
  it('says so in its room, and comes back with what it missed', () => {
    enter({ last_id: 3 });
    chat.suspend();
    expect(socket.last('leave_room').payload).toEqual({ closing: true });
    expect(chat.joined).toBeNull();
    const tried = socket.connects;
    chat.resume();
    expect(socket.connects).toBe(tried + 1);
    socket.up();
    expect(socket.last('join_room').payload).toMatchObject({
      username: 'Ada',
      after: { epoch: 'e1', id: 3 },
    });
  });

  it('says nothing where it is in no room', () => {
    chat.connect();
    socket.up();
    chat.suspend();
    expect(socket.count('leave_room')).toBe(0);
  });

  it('says nothing to a server without sessions', () => {
    chat.connect();
    socket.up(null);
    chat.join('tech', 'Ada');
    socket.confirm();
    chat.suspend();
    expect(socket.count('leave_room')).toBe(0);
  });

  it('does not take back what goes on in another window', () => {
    enter();
    socket.drop('io server disconnect');
    const tried = socket.connects;
    chat.suspend();
    chat.resume();
    expect(socket.connects).toBe(tried);
  });
});

describe('reconnecting', () => {
  it('presents its token and resumes where it was', () => {
    enter({ history: [message(1)], last_id: 1 });
    socket.say('receive_message', message(2));
    socket.drop();
    vi.advanceTimersByTime(1000);
    expect(socket.connects).toBe(2);
    expect(socket.auth()).toEqual({ token: 't1' });
    socket.up();
    expect(socket.last('join_room').payload.after).toEqual({ epoch: 'e1', id: 2 });
    socket.confirm({ recovered: true, last_id: 4, history: [message(4)] });
    for (const id of [3, 4, 5]) socket.say('receive_message', message(id));
    expect(log).toEqual(['fresh [1]', '2', 'resumed []', '3 (missed)', '4 (missed)', '5']);
  });

  it('says so where the log no longer reaches back, and once only', () => {
    enter({ history: [message(1)], last_id: 1 });
    socket.drop();
    vi.advanceTimersByTime(1000);
    socket.up();
    socket.confirm({ recovered: false, last_id: 90, history: [message(89), message(90)] });
    socket.say('gap', { room: 'tech', from: 2, to: 50 });
    socket.say('receive_message', message(91));
    expect(log).toEqual(['fresh [1]', 'broken [89 90]', '91']);
  });

  it('starts anew with another epoch, though ids are smaller', () => {
    const joins: ChatEvents['joined'][] = [];
    chat.on('joined', (joined) => joins.push(joined));
    enter({ history: [message(70)], last_id: 70 });
    socket.drop();
    vi.advanceTimersByTime(1000);
    socket.up();
    socket.confirm({ epoch: 'e2', recovered: false, last_id: 1, history: [message(1)] });
    socket.say('receive_message', message(2));
    expect(log).toEqual(['fresh [70]', 'broken [1]', '2']);
    expect(joins.map((joined) => joined.epochChanged)).toEqual([false, true]);
  });

  it('tells a gap in the running stream and goes on behind it', () => {
    enter({ last_id: 1 });
    socket.say('gap', { room: 'tech', from: 2, to: 7 });
    socket.say('receive_message', message(8));
    expect(log).toEqual(['fresh []', 'gap 2-7', '8']);
  });

  it('resumes in the epoch that a gap began', () => {
    enter({ last_id: 1 });
    socket.say('gap', { room: 'tech', from: 2, to: 7, epoch: 'e2' });
    socket.say('receive_message', message(8));
    socket.drop();
    vi.advanceTimersByTime(1000);
    socket.up();
    expect(socket.last('join_room').payload.after).toEqual({ epoch: 'e2', id: 8 });
  });

  it('pauses longer each time, and not at all when told to try now', () => {
    chat.connect();
    for (let i = 0; i < 3; i += 1) {
      socket.say('connect_error', new Error('xhr poll error'));
      vi.advanceTimersToNextTimer();
    }
    expect(socket.connects).toBe(4);
    socket.say('connect_error', new Error('xhr poll error'));
    chat.connect();
    expect(socket.connects).toBe(5);
  });

  it('comes back when a draining server said it may', () => {
    enter();
    const states: ConnectionState[] = [];
    chat.on('connection', (state) => states.push(state));
    socket.say('shutdown', { reconnect_in_ms: 5000 });
    expect(states).toEqual([{ phase: 'online', restartAt: Date.now() + 5000 }]);
    socket.drop();
    vi.advanceTimersByTime(4900);
    expect(socket.connects).toBe(1);
    vi.advanceTimersByTime(200);
    expect(socket.connects).toBe(2);
  });

  it('stays away where the server ended the session or refused it', () => {
    const phases: string[] = [];
    chat.on('connection', (state) => phases.push(state.phase));
    enter();
    socket.drop('io server disconnect');
    vi.advanceTimersByTime(60_000);
    chat.connect();
    socket.active = false;
    socket.say('connect_error', new Error('full'));
    vi.advanceTimersByTime(60_000);
    expect(phases).toEqual(['connecting', 'online', 'ended', 'connecting', 'refused']);
  });
});

describe('tokens', () => {
  it('joins under the name that the token fixes', () => {
    chat.connect();
    socket.up({ name: 'Ada Lovelace' });
    chat.join('tech', 'Eve');
    expect(socket.last('join_room').payload).toMatchObject({ username: 'Ada Lovelace' });
  });

  it('says that the token expires, and presents the next one', () => {
    const warnings: number[] = [];
    chat.on('expiring', ({ expires_in_ms }) => {
      warnings.push(expires_in_ms);
      chat.token = 't2';
    });
    enter();
    socket.say('token_expiring', { expires_in_ms: 60_000 });
    expect([warnings, socket.auth()]).toEqual([[60_000], { token: 't2' }]);
  });
});

describe('users', () => {
  it('follows notices, and asks again when the count disagrees', async () => {
    const lists: string[] = [];
    chat.on('users', ({ users }) => lists.push(users.map((user) => user.username).join(' ')));
    enter({ users: [{ user_id: 'me', username: 'Ada' }] });
    const bob = { user_id: 'bob', username: 'Bob', text: '', timestamp: '', room: 'tech' };
    socket.say('system_message', { ...bob, id: 1, kind: 'joined' });
    socket.say('system_message', { ...bob, id: 2, kind: 'renamed', username: 'Rob' });
    socket.say('system_message', { ...bob, id: 3, kind: 'left' });
    expect(lists).toEqual(['Ada', 'Ada Bob', 'Ada Rob', 'Ada']);
    socket.say('room_update', { tech: { count: 2, name: 'tech' } });
    vi.advanceTimersByTime(2000);
    socket.last('list_users').ack({ ok: true, users: [{ user_id: 'c', username: 'Cyd' }], total: 1 });
    await vi.runAllTimersAsync();
    expect(lists.at(-1)).toBe('Cyd');
  });
});

describe('a plain Flask chatroom', () => {
  it('joins, receives, and marks what may be missing after a reconnect', () => {
    const plain = { epoch: undefined, last_id: undefined, user_id: undefined };
    chat.connect();
    chat.join('tech', 'Ada');
    socket.up(null);
    socket.confirm(plain);
    socket.say('receive_message', message(0, 'hi', { id: undefined }));
    socket.say('receive_message', message(0, 'hi', { id: undefined }));
    socket.drop();
    vi.advanceTimersByTime(1000);
    socket.up(null);
    expect(socket.last('join_room').payload).not.toHaveProperty('after');
    socket.confirm(plain);
    expect(log).toEqual(['fresh []', '-', '-', 'broken []']);
  });

  it('learns of a refused join by the error event', () => {
    const refused: ChatEvents['refused'][] = [];
    chat.on('refused', (refusal) => refused.push(refusal));
    chat.connect();
    chat.join('nowhere', 'Ada');
    socket.up(null);
    socket.say('error', { message: 'Invalid room name' });
    expect(refused[0]?.error.message).toBe('Invalid room name');
  });
});
