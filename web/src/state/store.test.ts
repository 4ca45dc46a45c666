// The store over the real client module and a fake socket: what the reader sees of what the server says.

import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Chat } from '../../client/src/chat.js';
import { DEFAULTS } from '../../client/src/options.js';
import { FakeSocket, message } from '../../tests/fake-socket';
import { prefs } from './prefs';
import { Store } from './store';

let socket: FakeSocket;
let store: Store;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(document, 'hidden', 'get').mockReturnValue(true);
  sessionStorage.clear();
  localStorage.clear();
  prefs.read.value = {};
  prefs.name.value = 'Ada';
  socket = new FakeSocket();
  store = new Store(new Chat(() => socket, DEFAULTS));
  store.connection.connect();
  store.signIn.submit('tech', 'Ada');
  socket.up();
});

const frame = () => vi.advanceTimersByTime(120);
const shown = () =>
  store.room.timeline.value.entries.map((entry) => (entry.type === 'message' ? entry.text : entry.type));

describe('signing in', () => {
  it('lasts until the room is there, with its history', () => {
    expect(store.signIn.pending.value).toBe(true);
    socket.confirm({ history: [message(1)], last_id: 1 });
    expect([store.signIn.pending.value, shown()]).toEqual([false, ['m1']]);
  });

  it('goes back to the card with the reason', () => {
    socket.last('join_room').ack({ ok: false, error: { code: 'username_taken', message: 'taken' } });
    expect([store.room.name.value, store.signIn.error.value?.code]).toEqual([null, 'username_taken']);
  });

  it('enters general with a note where the room does not exist', () => {
    socket
      .last('join_room')
      .ack({ ok: false, error: { code: 'unknown_room', message: 'Invalid room name' } });
    expect(store.room.name.value).toBe('general');
    expect(store.note.value).toContain('tech');
  });
});

it('enters the room whose name was written otherwise', () => {
  store.signIn.enter('General');
  const error = { code: 'unknown_room', message: 'Invalid room name' };
  socket.last('join_room').ack({ ok: false, error });
  expect([store.room.name.value, store.note.value]).toEqual(['general', null]);
});

describe('in a room', () => {
  beforeEach(() => socket.confirm({ history: [message(1)], last_id: 1 }));

  it('takes a burst in with one change', () => {
    let changes = -1;
    const stop = store.room.timeline.subscribe(() => {
      changes += 1;
    });
    for (let id = 2; id <= 50; id += 1) socket.say('receive_message', message(id));
    frame();
    stop();
    expect([changes, shown().length]).toEqual([1, 50]);
  });

  it('gives an edited message its new text, and leaves out one that is deleted', () => {
    for (let id = 2; id <= 4; id += 1) socket.say('receive_message', message(id));
    const change = { room: 'tech', user_id: 'ada', username: 'Ada', timestamp: '' };
    socket.say('message_changed', { ...change, id: 5, of: 2, kind: 'edited', text: 'better' });
    socket.say('message_changed', { ...change, id: 6, of: 3, kind: 'deleted' });
    // Not here, and applied before.
    socket.say('message_changed', { ...change, id: 7, of: 99, kind: 'deleted' });
    socket.say('message_changed', { ...change, id: 6, of: 4, kind: 'deleted' });
    expect(shown()).toEqual([message(1).text, 'better', message(4).text]);
  });

  it('shows an own message at once, and once', () => {
    store.composer.send('hello');
    const key = socket.last('send_message').payload.client_id as string;
    expect(store.room.timeline.value.pending.map((item) => item.state)).toEqual(['sending']);
    socket.last('send_message').ack({ ok: true, id: 2, timestamp: '2026-01-01T00:00:00.000Z' });
    socket.say('receive_message', message(2, 'hello', { user_id: 'me', client_id: key }));
    frame();
    expect([shown(), store.room.timeline.value.pending]).toEqual([['m1', 'hello'], []]);
  });

  it('counts what the reader does not see, and draws the line before it', () => {
    store.room.unread.reading(false);
    socket.say('receive_message', message(2, 'hi @Ada'));
    socket.say('receive_message', message(3));
    frame();
    expect(store.room.unread.here.value).toEqual({ count: 2, mentions: 1 });
    expect(store.room.unread.newFrom.value).toBe(2);
    store.room.unread.reading(true);
    expect([store.room.unread.here.value.count, store.room.unread.newFrom.value]).toEqual([0, 2]);
    expect(prefs.read.value.tech).toEqual({ epoch: 'e1', id: 3 });
  });

  it('takes as read what the focus has passed', () => {
    store.room.unread.reading(false);
    for (const id of [2, 3, 4]) socket.say('receive_message', message(id, id === 4 ? 'hi @Ada' : 'hi'));
    frame();
    const focus = (id: number) => {
      const { entries } = store.room.timeline.value;
      const entry = entries.find((other) => other.type === 'message' && other.id === id);
      if (entry?.type === 'message') store.room.unread.passed(entry, entries);
    };
    const state = () => [
      store.room.unread.here.value.count,
      store.room.unread.here.value.mentions,
      prefs.read.value.tech?.id,
    ];
    const before = state()[2];
    focus(1);
    expect(state()).toEqual([3, 1, before]);
    focus(3);
    expect(state()).toEqual([1, 1, 3]);
    focus(2);
    expect(state()).toEqual([1, 1, 3]);
    focus(4);
    expect([...state(), store.room.unread.newFrom.value]).toEqual([0, 0, 4, 2]);
  });

  it('calls no connection lost that was refused or goes on elsewhere', () => {
    socket.drop();
    expect(store.connection.lostSince.value).not.toBeNull();
    socket.up();
    socket.drop('io server disconnect');
    expect([store.connection.state.value.phase, store.connection.lostSince.value]).toEqual(['ended', null]);
  });

  it('remembers where the reader was when they come back', () => {
    store.room.unread.reading(true);
    store.signIn.enter('general');
    socket.confirm({ room: 'general', epoch: 'g' });
    store.signIn.enter('tech');
    socket.confirm({ recovered: true, last_id: 2 });
    socket.say('receive_message', message(2));
    frame();
    expect([shown(), store.room.unread.newFrom.value]).toEqual([['m1', 'm2'], 2]);
  });

  it('marks what a restarted server no longer has', () => {
    socket.drop();
    vi.advanceTimersByTime(2000);
    socket.up();
    socket.confirm({ epoch: 'e2', recovered: false, last_id: 1, history: [message(1, 'new')] });
    expect(shown()).toEqual(['m1', 'gap', 'new']);
  });

  it('says how long the server wants no messages', () => {
    store.composer.send('a');
    const error = { code: 'rate_limited', message: '', retry_after_ms: 3000 };
    socket.last('send_message').ack({ ok: false, error });
    expect(store.composer.blockedUntil.value - Date.now()).toBe(3000);
  });
});

describe('a tab among others', () => {
  /** What another tab has stored arrives here. */
  const elsewhere = (key: string, value: unknown) => {
    localStorage.setItem(`hubbub.${key}`, JSON.stringify(value));
    dispatchEvent(new StorageEvent('storage', { key: `hubbub.${key}` }));
  };

  it('keeps its name, whatever is chosen in another, over reconnects and reloads', () => {
    socket.confirm();
    elsewhere('name', 'Bob');
    expect([store.signIn.name.value, JSON.parse(localStorage.getItem('hubbub.name') ?? '')]).toEqual([
      'Ada',
      'Bob',
    ]);
    socket.drop();
    vi.advanceTimersByTime(2000);
    socket.up();
    expect(socket.last('join_room').payload.username).toBe('Ada');
    socket.confirm();
    store.signIn.enter('general');
    expect(socket.last('join_room').payload).toMatchObject({ room_name: 'general', username: 'Ada' });
    // Coming back is no choice: the next new tab still proposes what was chosen last.
    expect(JSON.parse(localStorage.getItem('hubbub.name') ?? '')).toBe('Bob');
    const reloaded = new Store(new Chat(() => socket, DEFAULTS));
    expect(reloaded.signIn.name.value).toBe('Ada');
  });

  it('proposes the name that was chosen last', () => {
    elsewhere('name', 'Bob');
    socket.confirm();
    expect(JSON.parse(localStorage.getItem('hubbub.name') ?? '')).toBe('Ada');
    store.signIn.rename('Countess');
    expect(JSON.parse(localStorage.getItem('hubbub.name') ?? '')).toBe('Ada');
    socket.confirm({ username: 'Countess' });
    expect(JSON.parse(localStorage.getItem('hubbub.name') ?? '')).toBe('Countess');
  });

  it('goes by its old name where a new one is refused', () => {
    socket.confirm();
    store.signIn.rename('admin');
    const error = { code: 'invalid_username', message: 'reserved' };
    socket.last('join_room').ack({ ok: false, error });
    expect([store.signIn.name.value, prefs.name.value]).toEqual(['Ada', 'Ada']);
    expect(new Store(new Chat(() => socket, DEFAULTS)).signIn.name.value).toBe('Ada');
  });

  it('forgets no read mark of another', () => {
    socket.confirm({ last_id: 0 });
    elsewhere('read', { music: { epoch: 'm', id: 3 } });
    expect(prefs.read.value.music?.id).toBe(3);
    // Written by another tab, and not heard of yet.
    localStorage.setItem('hubbub.read', JSON.stringify({ music: { epoch: 'm', id: 9 } }));
    store.room.unread.reading(true);
    socket.say('receive_message', message(1));
    frame();
    expect(JSON.parse(localStorage.getItem('hubbub.read') ?? '')).toEqual({
      music: { epoch: 'm', id: 9 },
      tech: { epoch: 'e1', id: 1 },
    });
  });
});

describe('rooms where the reader is not', () => {
  const tell = (rooms: Record<string, number>) => socket.say('activity', { rooms });
  const waiting = () => ['general', 'tech', 'music'].filter((room) => store.room.unread.waits(room));
  const visit = (room: string, lastId: number, epoch = `of ${room}`) => {
    store.signIn.enter(room);
    socket.confirm({ room, epoch, last_id: lastId, history: [message(lastId, 'newest', { room })] });
  };

  it('have nothing new at first sight, and then what comes after it', () => {
    tell({ general: 7, music: 0 });
    expect(waiting()).toEqual([]);
    tell({ general: 7, music: 2 });
    expect(waiting()).toEqual(['music']);
    tell({ general: 9, music: 2 });
    expect(waiting()).toEqual(['general', 'music']);
  });

  it('wait until they are visited, and not again before something newer comes', () => {
    tell({ general: 7, tech: 0, music: 0 });
    tell({ general: 9, tech: 0, music: 0 });
    visit('general', 9);
    visit('tech', 1);
    expect(waiting()).toEqual([]);
    tell({ general: 10, tech: 1, music: 0 });
    expect(waiting()).toEqual(['general']);
  });

  it('wait no more where all messages are gone when they are visited', () => {
    tell({ music: 1 });
    tell({ music: 9 });
    store.signIn.enter('music');
    socket.confirm({ room: 'music', epoch: 'm', last_id: 40, history: [] });
    visit('tech', 1);
    expect(waiting()).toEqual([]);
  });

  it('are not taken for new ones by news that come late', () => {
    tell({ general: 7 });
    visit('general', 9);
    visit('tech', 1);
    tell({ general: 8 });
    tell({ general: 9 });
    expect(waiting()).toEqual([]);
    expect(prefs.read.value.general).toEqual({ epoch: 'of general', id: 9 });
  });

  it('start over with a server that was restarted', () => {
    tell({ general: 50, music: 0 });
    visit('general', 60);
    visit('tech', 1);
    socket.drop();
    vi.advanceTimersByTime(2000);
    socket.up();
    tell({ general: 3, music: 0 });
    expect(waiting()).toEqual([]);
    tell({ general: 4, music: 0 });
    expect(waiting()).toEqual(['general']);
    visit('general', 4, 'another');
    visit('tech', 1);
    expect(waiting()).toEqual([]);
  });

  it('are remembered over a reload', () => {
    tell({ general: 7, music: 1 });
    visit('general', 8);
    const again = new Store(new Chat(() => socket, DEFAULTS));
    again.room.unread.connected();
    again.room.unread.activity({ general: 9, music: 1 });
    expect([again.room.unread.waits('general'), again.room.unread.waits('music')]).toEqual([true, false]);
  });
});

it('loads older messages until there are none', async () => {
  socket.confirm({ history: [message(5)], last_id: 5 });
  const loading = store.room.older();
  expect(socket.last('get_history').payload).toMatchObject({ before: 5 });
  socket.last('get_history').ack({ ok: true, messages: [message(3), message(4)], more: false });
  await loading;
  expect([shown(), store.room.timeline.value.more]).toEqual([['m3', 'm4', 'm5'], false]);
});
