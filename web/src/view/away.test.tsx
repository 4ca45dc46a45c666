// Who is away in the list of people, and a page that parks.

import { cleanup, screen } from '@testing-library/preact';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { pageInRoom, show } from '../../tests/page';
import { Banner } from './Banner';
import { People } from './People';

const MINUTE_MS = 60_000;
const bob = { user_id: 'bob', username: 'Bob' };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function inRoom(park_after_ms: number, away: boolean) {
  const made = pageInRoom();
  made.socket.say('session', { token: 't1', user_id: 'me', limits: { park_after_ms }, server: {} });
  const me = { user_id: 'me', username: 'Ada' };
  made.socket.confirm({ users: [me, away ? { ...bob, away } : bob] });
  return made;
}

const listed = () => screen.getAllByRole('listitem').map((item) => item.textContent);
const settle = () => vi.advanceTimersByTimeAsync(50);

describe('the list of people', () => {
  it('says in words who is away, and the name of the button has it too', async () => {
    const { socket, store } = inRoom(0, true);
    show(store, <People />);
    expect(listed()).toEqual(['AAdayou', 'BBobaway']);
    expect(screen.getByTitle('Mention Bob').textContent).toContain('away');
    socket.say('typing', { room: 'tech', users: [bob] });
    await settle();
    expect(listed()).toEqual(['AAdayou', 'BBob']);
  });

  it('is asked for when it is opened, and every minute where pages park', async () => {
    const { socket, store } = inRoom(MINUTE_MS, false);
    show(store, <People />);
    await settle();
    expect(socket.count('list_users')).toBe(1);
    const users = [{ ...bob, away: true }];
    socket.last('list_users').ack({ ok: true, users, total: 1, more: false });
    await settle();
    expect(listed()).toEqual(['BBobaway']);
    await vi.advanceTimersByTimeAsync(2 * MINUTE_MS);
    expect(socket.count('list_users')).toBe(3);
    vi.spyOn(document, 'hidden', 'get').mockReturnValue(true);
    await vi.advanceTimersByTimeAsync(2 * MINUTE_MS);
    expect(socket.count('list_users')).toBe(3);
    cleanup();
    vi.restoreAllMocks();
    await vi.advanceTimersByTimeAsync(2 * MINUTE_MS);
    expect(socket.count('list_users')).toBe(3);
  });

  it('is not asked for again where nobody is away and no page parks', async () => {
    const { socket, store } = inRoom(0, false);
    show(store, <People />);
    await vi.advanceTimersByTimeAsync(5 * MINUTE_MS);
    expect(socket.count('list_users')).toBe(1);
  });
});

describe('a page that parked', () => {
  it('does not say that the connection was lost', async () => {
    const { socket, store } = inRoom(MINUTE_MS, false);
    const { state, lostSince } = store.connection;
    show(store, <Banner />);
    const hidden = vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden');
    document.dispatchEvent(new Event('visibilitychange'));
    await vi.advanceTimersByTimeAsync(10 * MINUTE_MS);
    expect([state.value.phase, socket.connected]).toEqual(['parked', false]);
    expect([screen.getByRole('status').textContent, lostSince.value]).toEqual(['', null]);
    hidden.mockReturnValue('visible');
    document.dispatchEvent(new Event('visibilitychange'));
    await vi.advanceTimersByTimeAsync(300);
    expect(state.value.phase).toBe('connecting');
    socket.up();
    socket.confirm({ recovered: true });
    await settle();
    expect([state.value.phase, screen.getByRole('status').textContent]).toEqual(['online', '']);
  });
});
