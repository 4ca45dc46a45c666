// @vitest-environment node
// When a hidden page closes its connection, and what it keeps.

import { beforeEach, describe, expect, it, vi } from 'vitest';
import { message } from '../../tests/fake-socket';
import '../src/index.js';
import { Parking } from '../src/parking.js';
import { chat, enter, log, socket } from './fake-server';

const AFTER_MS = 60_000;
let listeners: Set<() => void>;
let page: { visibilityState: string };
let phases: string[];

const show = (visibilityState: 'visible' | 'hidden') => {
  page.visibilityState = visibilityState;
  for (const listener of listeners) listener();
};
const session = (park_after_ms: number) => ({ limits: { park_after_ms } }) as object;
const phase = () => chat.connectionState.phase;

/** In a room, over a server that wants pages to park. */
function entered(afterMs = AFTER_MS) {
  chat.connect();
  chat.join('tech', 'Ada');
  socket.up(session(afterMs));
  socket.confirm({ last_id: 3 });
}

beforeEach(() => {
  listeners = new Set();
  page = { visibilityState: 'visible' };
  new Parking(chat, {
    get visibilityState() {
      return page.visibilityState;
    },
    addEventListener: (_, listener) => listeners.add(listener),
    removeEventListener: (_, listener) => listeners.delete(listener),
  });
  phases = [];
  chat.on('connection', (state) => phases.push(state.phase));
});

describe('a page that is hidden', () => {
  it('closes its connection after the time, and resumes when it is shown', () => {
    entered();
    vi.advanceTimersByTime(10 * AFTER_MS);
    show('hidden');
    vi.advanceTimersByTime(AFTER_MS - 1);
    expect(socket.connected).toBe(true);
    vi.advanceTimersByTime(1);
    expect(socket.last('leave_room').payload).toEqual({ closing: true, away: true });
    expect([socket.connected, phase()]).toEqual([false, 'parked']);
    // Nothing is tried, however long it takes.
    vi.advanceTimersByTime(100 * AFTER_MS);
    expect([socket.connects, phase()]).toEqual([1, 'parked']);
    show('visible');
    expect([socket.connects, phase()]).toEqual([2, 'connecting']);
    expect(socket.auth()).toEqual({ token: 't1' });
    socket.up(session(AFTER_MS));
    expect(socket.last('join_room').payload).toMatchObject({
      username: 'Ada',
      after: { epoch: 'e1', id: 3 },
    });
    socket.confirm({ recovered: true, last_id: 4 });
    socket.say('receive_message', message(4));
    expect(log.slice(-2)).toEqual(['resumed []', '4 (missed)']);
    // It was never said to be lost.
    expect(phases).toEqual(['connecting', 'online', 'parked', 'connecting', 'online']);
  });

  it('keeps its connection where it is shown in time, or the server does not ask for it', () => {
    entered();
    show('hidden');
    vi.advanceTimersByTime(AFTER_MS - 1);
    show('visible');
    vi.advanceTimersByTime(AFTER_MS);
    show('hidden');
    vi.advanceTimersByTime(AFTER_MS - 1);
    expect(phase()).toBe('online');
    chat.close();
    expect(listeners.size).toBe(0);
    enter();
    show('visible');
    show('hidden');
    vi.advanceTimersByTime(100 * AFTER_MS);
    expect([phase(), socket.count('leave_room')]).toEqual(['online', 0]);
  });

  it('goes by the clock: a timer may be late, and a computer may sleep', () => {
    entered();
    show('hidden');
    // The computer slept, and the page is shown before the timer has run.
    vi.setSystemTime(Date.now() + 10 * AFTER_MS);
    show('visible');
    vi.advanceTimersByTime(AFTER_MS);
    expect(phase()).toBe('online');
    show('hidden');
    // The clock was set back: the timer is early.
    vi.setSystemTime(Date.now() - 30_000);
    vi.advanceTimersByTime(AFTER_MS);
    expect(phase()).toBe('online');
    vi.advanceTimersByTime(30_000);
    expect(phase()).toBe('parked');
  });

  it('sends everything first', () => {
    entered();
    show('hidden');
    vi.advanceTimersByTime(AFTER_MS - 3_000);
    chat.send('still to be sent');
    vi.advanceTimersByTime(6_000);
    expect(phase()).toBe('online');
    socket.last('send_message').ack({ ok: true, id: 4, timestamp: '' });
    vi.advanceTimersByTime(1_000);
    expect(phase()).toBe('parked');
  });

  it('waits until it is in the room again, and has been for a while', () => {
    entered();
    show('hidden');
    vi.advanceTimersByTime(AFTER_MS - 1_000);
    socket.drop();
    vi.advanceTimersByTime(800);
    socket.up(session(AFTER_MS));
    vi.advanceTimersByTime(2_000);
    expect(phase()).toBe('online');
    // Another membership: the others have seen it begin.
    socket.confirm({ recovered: false, last_id: 9 });
    vi.advanceTimersByTime(AFTER_MS - 1_000);
    expect(phase()).toBe('online');
    vi.advanceTimersByTime(2_000);
    expect(phase()).toBe('parked');
  });

  it('stops trying where there is no server, but not with a message on its way', () => {
    entered();
    show('hidden');
    chat.send('unsent');
    socket.drop();
    for (let tried = 0; tried < 20; tried += 1) {
      vi.advanceTimersByTime(20_000);
      if (phase() === 'connecting') socket.say('connect_error', new Error('refused'));
    }
    expect(phase()).not.toBe('parked');
    const item = socket.last('send_message').payload.client_id as string;
    expect(chat.discard(item)).toBe(true);
    vi.advanceTimersByTime(2_000);
    if (phase() === 'connecting') socket.say('connect_error', new Error('refused'));
    vi.advanceTimersByTime(2_000);
    expect(phase()).toBe('parked');
    const { connects } = socket;
    vi.advanceTimersByTime(AFTER_MS);
    expect(socket.connects).toBe(connects);
  });

  it('also parks before it is in a room, and says nothing of one then', () => {
    chat.connect();
    socket.up(session(AFTER_MS));
    show('hidden');
    vi.advanceTimersByTime(AFTER_MS);
    expect([phase(), socket.count('leave_room')]).toEqual(['parked', 0]);
  });

  it('connects for what its program sends, and parks again', () => {
    entered();
    show('hidden');
    vi.advanceTimersByTime(AFTER_MS);
    expect(phase()).toBe('parked');
    chat.send('from a program');
    expect(phase()).toBe('connecting');
    socket.up(session(AFTER_MS));
    socket.confirm({ recovered: true, last_id: 3 });
    socket.last('send_message').ack({ ok: true, id: 4, timestamp: '' });
    vi.advanceTimersByTime(1_000);
    expect(phase()).toBe('parked');
  });
});

describe('a list of users', () => {
  it('shows who is away until they say or type something', () => {
    const lists: string[] = [];
    chat.on('users', ({ users }) =>
      lists.push(users.map((u) => `${u.username}${u.away ? '*' : ''}`).join(' ')),
    );
    entered();
    const bob = { user_id: 'bob', username: 'Bob', away: true };
    const eve = { user_id: 'eve', username: 'Eve', away: true };
    socket.confirm({ last_id: 3, users: [bob, eve] });
    expect(lists.at(-1)).toBe('Bob* Eve*');
    // What was missed was said before.
    socket.say('receive_message', message(3));
    expect(lists.at(-1)).toBe('Bob* Eve*');
    socket.say('receive_message', message(4));
    expect(lists.at(-1)).toBe('Bob Eve*');
    socket.say('typing', { room: 'tech', users: [{ user_id: 'eve', username: 'Eve' }] });
    expect(lists.at(-1)).toBe('Bob Eve');
    void chat.refreshUsers();
    socket.last('list_users').ack({ ok: true, users: [bob], total: 1, more: false });
    return vi.waitFor(() => expect(lists.at(-1)).toBe('Bob*'));
  });
});
