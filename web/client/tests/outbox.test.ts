// @vitest-environment node
// Sending: one at a time and in order, again until acknowledged or refused, never twice where that is not safe.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import '../src/index.js';
import { FakeSocket, message } from '../../tests/fake-socket';
import { Chat } from '../src/chat.js';
import { DEFAULTS } from '../src/options.js';
import type { Outgoing } from '../src/outbox.js';

let socket: FakeSocket;
let chat: Chat;
let states: Map<string, Outgoing>;

beforeEach(() => {
  vi.useFakeTimers();
  socket = new FakeSocket();
  states = new Map();
  chat = new Chat(() => socket, DEFAULTS);
  chat.on('outgoing', (item) => states.set(item.text, item));
  chat.connect();
  chat.join('tech', 'Ada');
});

afterEach(() => vi.useRealTimers());

function texts(): unknown[] {
  return socket.sent.filter((sent) => sent.event === 'send_message').map((sent) => sent.payload.text);
}

function state(text: string): string | undefined {
  return states.get(text)?.state;
}

function refuse(code: string, retry_after_ms?: number) {
  socket.last('send_message').ack({ ok: false, error: { code, message: code, retry_after_ms } });
}

function enter() {
  socket.up();
  socket.confirm();
}

function accept(id: number) {
  socket.last('send_message').ack({ ok: true, id, timestamp: '2026-01-01T00:00:00.000Z' });
}

describe('a queue', () => {
  it('has one message on the wire at a time', () => {
    enter();
    chat.send('a');
    chat.send('b');
    expect(texts()).toEqual(['a']);
    accept(1);
    expect(texts()).toEqual(['a', 'b']);
    accept(2);
    expect([state('a'), state('b')]).toEqual(['sent', 'sent']);
    expect(states.get('b')?.id).toBe(2);
  });

  it('waits for the connection and sends in the order of writing', () => {
    chat.send('a');
    chat.send('b');
    expect(texts()).toEqual([]);
    expect([state('a'), state('b')]).toEqual(['queued', 'queued']);
    enter();
    accept(1);
    expect(texts()).toEqual(['a', 'b']);
  });

  it('is kept for its room', () => {
    enter();
    chat.send('a');
    chat.send('b');
    chat.join('general', 'Ada');
    socket.confirm({ room: 'general' });
    expect(texts()).toEqual(['a']);
    chat.join('tech', 'Ada');
    socket.confirm({ recovered: true });
    expect(texts()).toEqual(['a', 'a']);
    accept(1);
    expect(texts()).toEqual(['a', 'a', 'b']);
  });

  it('has an end', () => {
    for (let i = 0; i <= DEFAULTS.outbox.capacity; i += 1) chat.send(`m${i}`);
    expect(state(`m${DEFAULTS.outbox.capacity}`)).toBe('failed');
  });
});

describe('a retry', () => {
  it('repeats the key after a reconnect, before what was written later', () => {
    enter();
    chat.send('a');
    chat.send('b');
    const key = socket.last('send_message').payload.client_id;
    socket.drop();
    vi.advanceTimersByTime(1000);
    enter();
    expect(texts()).toEqual(['a', 'a']);
    expect(socket.last('send_message').payload.client_id).toBe(key);
  });

  it('waits as long as the server asks, and nothing overtakes it', () => {
    enter();
    chat.send('a');
    refuse('rate_limited', 3000);
    chat.send('b');
    expect(state('a')).toBe('waiting');
    vi.advanceTimersByTime(2900);
    expect(texts()).toEqual(['a']);
    vi.advanceTimersByTime(200);
    expect(texts()).toEqual(['a', 'a']);
    accept(1);
    expect(texts()).toEqual(['a', 'a', 'b']);
  });

  it('ends with the retry window', () => {
    enter();
    chat.send('a');
    for (let i = 0; i < 60 && state('a') !== 'failed'; i += 1) {
      refuse('unavailable', 2000);
      vi.advanceTimersByTime(2000);
    }
    expect(states.get('a')?.failure?.code).toBe('unavailable');
  });

  it('is made when no answer comes, until it is given up', () => {
    enter();
    chat.send('a');
    vi.advanceTimersByTime(4000);
    expect(texts()).toEqual(['a', 'a']);
    vi.advanceTimersByTime(4000);
    expect(states.get('a')?.failure?.code).toBe('timeout');
  });

  it('is made by itself once the connection is back, before what was written later', () => {
    enter();
    chat.send('a');
    vi.advanceTimersByTime(8000);
    expect(state('a')).toBe('failed');
    socket.drop();
    chat.send('b');
    vi.advanceTimersByTime(1000);
    enter();
    expect(state('a')).toBe('sending');
    accept(1);
    accept(2);
    expect(texts()).toEqual(['a', 'a', 'a', 'b']);
    expect([state('a'), state('b')]).toEqual(['sent', 'sent']);
  });

  it('is left to the writer where the server has refused', () => {
    enter();
    chat.send('a');
    refuse('muted');
    socket.drop();
    vi.advanceTimersByTime(1000);
    enter();
    expect(texts()).toEqual(['a']);
  });

  it('joins again where the server no longer counts us in', () => {
    enter();
    chat.send('a');
    refuse('not_in_room');
    expect(socket.count('join_room')).toBe(2);
    socket.confirm();
    expect(texts()).toEqual(['a', 'a']);
  });
});

describe('a refusal', () => {
  it('is final, told, and does not stop the next message', () => {
    enter();
    chat.send('a');
    chat.send('b');
    refuse('text_too_long');
    expect(states.get('a')?.failure?.code).toBe('text_too_long');
    expect(texts()).toEqual(['a', 'b']);
  });

  it('can be retried under the same key, or discarded', () => {
    enter();
    const item = chat.send('a');
    refuse('muted');
    chat.retry(item?.clientId ?? '');
    expect(socket.last('send_message').payload.client_id).toBe(item?.clientId);
    refuse('muted');
    expect(chat.discard(item?.clientId ?? '')).toBe(true);
    expect(chat.discard(item?.clientId ?? '')).toBe(false);
  });
});

describe('the echo', () => {
  it('settles a message whose acknowledgement was lost, even after it failed', () => {
    enter();
    const item = chat.send('a');
    vi.advanceTimersByTime(8000);
    expect(state('a')).toBe('failed');
    socket.say('receive_message', message(1, 'a', { client_id: item?.clientId ?? '', user_id: 'me' }));
    expect(state('a')).toBe('sent');
  });

  it('is all there is on a plain Flask chatroom', () => {
    socket.up(null);
    socket.confirm({ epoch: undefined, last_id: undefined });
    chat.send('hi');
    chat.send('hi');
    socket.last('send_message').ack();
    expect(texts()).toEqual(['hi']);
    const echo = { id: undefined, sender: 'Ada', user_id: undefined };
    socket.say('receive_message', message(0, 'hi', { ...echo, sender: 'Bob' }));
    expect(texts()).toEqual(['hi']);
    socket.say('receive_message', message(0, 'hi', echo));
    expect(texts()).toEqual(['hi', 'hi']);
  });

  it('that never comes is not replaced by a second sending there', () => {
    socket.up(null);
    socket.confirm({ epoch: undefined });
    chat.send('hi');
    socket.drop();
    expect(states.get('hi')?.failure?.code).toBe('unconfirmed');
    vi.advanceTimersByTime(1000);
    socket.up(null);
    socket.confirm({ epoch: undefined });
    expect(texts()).toEqual(['hi']);
  });
});
