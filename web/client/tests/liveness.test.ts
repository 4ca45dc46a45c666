// @vitest-environment node
// The client against a fake server that answers nothing any more: WebSockets that hang, dead connections.

import { describe, expect, it, vi } from 'vitest';
import '../src/index.js';
import { chat, enter, socket } from './fake-server';

describe('a WebSocket that hangs', () => {
  it('gives way to polling, for a while', () => {
    enter();
    expect(socket.transport).toBe('websocket');
    socket.drop();
    vi.advanceTimersToNextTimer();
    expect([socket.connects, socket.transport]).toEqual([2, 'websocket']);
    vi.advanceTimersByTime(4_900);
    expect([socket.connects, socket.transport]).toEqual([2, 'websocket']);
    vi.advanceTimersByTime(200);
    expect([socket.connects, socket.transport]).toEqual([3, 'polling']);
    socket.up();
    socket.drop();
    vi.advanceTimersByTime(2_000);
    expect([socket.connects, socket.transport]).toEqual([4, 'polling']);
    socket.up();
    vi.advanceTimersByTime(600_000);
    socket.drop();
    vi.advanceTimersByTime(2_000);
    expect([socket.connects, socket.transport]).toEqual([5, 'websocket']);
  });

  it('is tried again where polling fails', () => {
    chat.connect();
    vi.advanceTimersByTime(5_000);
    expect(socket.transport).toBe('polling');
    socket.say('connect_error', new Error('xhr poll error'));
    vi.advanceTimersByTime(2_000);
    expect([socket.connects, socket.transport]).toEqual([3, 'websocket']);
  });

  it('is not waited for when something has changed, nor is polling', () => {
    chat.connect();
    vi.advanceTimersByTime(4_000);
    chat.connect();
    expect(socket.connects).toBe(1);
    vi.advanceTimersByTime(5_900);
    expect([socket.connects, socket.transport]).toEqual([2, 'polling']);
    chat.connect();
    expect(socket.connects).toBe(2);
    vi.advanceTimersByTime(200);
    chat.connect();
    expect([socket.connects, socket.transport]).toEqual([3, 'polling']);
  });

  it('is left alone once it is connected, refused, or not wanted', () => {
    chat.connect();
    socket.up();
    vi.advanceTimersByTime(60_000);
    socket.active = false;
    socket.say('connect_error', new Error('full'));
    vi.advanceTimersByTime(60_000);
    chat.connect();
    chat.close();
    vi.advanceTimersByTime(60_000);
    expect([socket.connects, socket.transport]).toEqual([2, 'websocket']);
  });
});

describe('a dead connection', () => {
  const down = () => {
    socket.alive = false;
  };

  it('is opened again when asked for a sign of life', () => {
    enter({ last_id: 1 });
    down();
    chat.probe();
    chat.probe();
    expect(socket.count('typing')).toBe(1);
    vi.advanceTimersByTime(2_900);
    expect(socket.connects).toBe(1);
    vi.advanceTimersByTime(200);
    expect(socket.connects).toBe(2);
    socket.alive = true;
    socket.up();
    expect(socket.last('join_room').payload.after).toEqual({ epoch: 'e1', id: 1 });
  });

  it('is found by a message that gets no answer, which is then sent by itself', () => {
    const states = new Map<string, string>();
    chat.on('outgoing', (item) => states.set(item.text, item.state));
    enter();
    down();
    chat.send('a');
    chat.send('b');
    vi.advanceTimersByTime(7_100);
    expect(socket.connects).toBe(2);
    vi.advanceTimersByTime(60_000);
    expect([...states.values()]).toEqual(['queued', 'queued']);
    socket.alive = true;
    socket.up();
    socket.confirm({ recovered: true });
    const keys = () =>
      socket.sent.filter((sent) => sent.event === 'send_message').map(({ payload }) => payload);
    expect(keys().map(({ text }) => text)).toEqual(['a', 'a', 'a']);
    expect(new Set(keys().map(({ client_id }) => client_id)).size).toBe(1);
    socket.last('send_message').ack({ ok: true, id: 1, timestamp: '' });
    socket.last('send_message').ack({ ok: true, id: 2, timestamp: '' });
    expect([...states.values()]).toEqual(['sent', 'sent']);
  });

  it('is found by a join that gets no answer', () => {
    chat.connect();
    socket.up();
    down();
    chat.join('tech', 'Ada');
    vi.advanceTimersByTime(8_100);
    expect(socket.connects).toBe(2);
  });

  it('is not one that answers, nor one to a server that need not', () => {
    enter();
    for (let i = 0; i < 5; i += 1) {
      chat.probe();
      vi.advanceTimersByTime(10_000);
    }
    expect([socket.connects, socket.count('typing')]).toEqual([1, 5]);
    socket.drop();
    vi.advanceTimersByTime(2_000);
    chat.probe();
    expect(socket.count('typing')).toBe(5);
  });
});
