// When the banner speaks, and what it says.

import { act, cleanup, fireEvent, screen } from '@testing-library/preact';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FakeSocket } from '../../tests/fake-socket';
import { page, pageInRoom, show } from '../../tests/page';
import type { Store } from '../state/store';
import { Banner } from './Banner';
import { offline } from './context';

let socket: FakeSocket;
let store: Store;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(1);
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
  offline.value = false;
});

/** Text of the banner `ms` after `change`. */
function textAfter(ms: number, change = () => {}): string {
  act(() => {
    change();
    vi.advanceTimersByTime(ms);
  });
  return document.querySelector('.banners')?.textContent ?? '';
}

function inRoom(): void {
  ({ socket, store } = pageInRoom());
  show(store, <Banner />);
}

describe('a lost connection', () => {
  it('is mentioned after a second, with when it is tried again, and by hand now', () => {
    inRoom();
    // The server is not reached for a while, so that the pauses have grown.
    expect(textAfter(0, () => socket.drop())).toBe('');
    for (let i = 0; i < 6; i += 1) {
      textAfter(20_000);
      textAfter(0, () => socket.say('connect_error', new Error('unreachable')));
    }
    expect(textAfter(500)).toMatch(/^Connection lost\. Trying again in \d+ s…Try now$/);
    const connects = socket.connects;
    fireEvent.click(screen.getByRole('button', { name: 'Try now' }));
    expect(socket.connects).toBe(connects + 1);
    expect(textAfter(500)).toBe('Connection lost. Trying again…');
  });

  it('that is back within a second is not mentioned', () => {
    inRoom();
    act(() => socket.drop());
    textAfter(900);
    expect(textAfter(0, () => socket.up())).toBe('');
  });

  it('that was lost for longer is said to be back, for two seconds', () => {
    inRoom();
    act(() => socket.drop());
    textAfter(1500);
    expect(textAfter(0, () => socket.up())).toBe('Connected again');
    expect(textAfter(2000)).toBe('');
  });

  it('is the reader’s own where the browser is offline', () => {
    inRoom();
    offline.value = true;
    act(() => socket.drop());
    expect(textAfter(1500)).toMatch(/^You are offline\./);
  });
});

it('a restart is announced while the connection still stands', () => {
  inRoom();
  expect(textAfter(0, () => socket.say('shutdown', { reconnect_in_ms: 5000 }))).toBe(
    'The server restarts. Back in 5 s…',
  );
  expect(textAfter(2000)).toBe('The server restarts. Back in 3 s…');
});

it('a first connection that takes long is slow, not lost', () => {
  ({ socket, store } = page());
  show(store, <Banner />);
  expect(textAfter(3000)).toBe('');
  expect(textAfter(2000)).toBe('Connecting takes longer than usual.');
});

it('a note stays until it is closed', () => {
  inRoom();
  const write = () => {
    store.note.value = 'There is no such room.';
  };
  expect(textAfter(60_000, write)).toBe('There is no such room.Close');
  fireEvent.click(screen.getByRole('button', { name: 'Close' }));
  expect(textAfter(0)).toBe('');
});
