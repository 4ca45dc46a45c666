// @vitest-environment node
// A room's entries: order, echoes, epochs, bounds.

import { describe, expect, it } from 'vitest';
import type { MessageChanged, Outgoing } from '../../client/src/index.js';
import { message } from '../../tests/fake-socket';
import {
  append,
  changed,
  EMPTY,
  type Entry,
  gap,
  HELD_MAX,
  indexOf,
  MEMORY_MAX,
  nextEpoch,
  outgoing,
  prepend,
  settle,
  type Timeline,
  toMessage,
  toNotice,
} from './timeline';

const me = { name: 'Ada', userId: 'me' };
const add = (timeline: Timeline, ...ids: number[]) =>
  append(
    timeline,
    ids.map((id) => toMessage(timeline, message(id), me)),
  );
const ids = (timeline: Timeline) =>
  timeline.entries.map((entry: Entry) => (entry.type === 'message' ? entry.id : entry.type));
const item = (state: Outgoing['state'], more: Partial<Outgoing> = {}): Outgoing => ({
  ...{ clientId: 'k', room: 'tech', text: 'hi', createdAt: 0, state },
  ...more,
});

describe('a timeline', () => {
  it('puts older pages before what is there, each message once', () => {
    const timeline = add(EMPTY, 5, 6);
    const older = [3, 4, 5].map((id) => toMessage(timeline, message(id), me));
    expect(ids(prepend(timeline, older, true))).toEqual([3, 4, 5, 6]);
  });

  it('forgets the oldest beyond its bound, and says that there is more', () => {
    const timeline = add(EMPTY, ...Array.from({ length: MEMORY_MAX + 5 }, (_, i) => i + 1));
    expect(timeline.entries).toHaveLength(MEMORY_MAX);
    expect(timeline.more).toBe(true);
  });

  it('keeps what is being read, though more than its bound comes in', () => {
    const ids = Array.from({ length: MEMORY_MAX + 1600 }, (_, i) => i + 1);
    const older = ids.map((id) => toMessage(EMPTY, message(id), me));
    let timeline = prepend(EMPTY, older, true);
    timeline = append(timeline, [toMessage(timeline, message(9001), me)], 300);
    expect(timeline.entries[0]?.order).toBe(300);
    timeline = append(timeline, [toMessage(timeline, message(9002), me)]);
    expect(timeline.entries).toHaveLength(MEMORY_MAX);
    const flood = Array.from({ length: HELD_MAX }, (_, i) => toMessage(EMPTY, message(10_000 + i), me));
    expect(append(timeline, flood, timeline.entries[0]?.order).entries).toHaveLength(HELD_MAX);
  });

  it('orders another epoch behind the old one, with a mark between', () => {
    const timeline = nextEpoch(gap(add(EMPTY, 70, 71)));
    const now = add(timeline, 1, 2);
    expect(ids(now)).toEqual([70, 71, 'gap', 1, 2]);
    expect(now.entries.every((entry, i) => i === 0 || entry.order > (now.entries[i - 1]?.order ?? 0))).toBe(
      true,
    );
    expect(indexOf(now.entries, now.entries[3]?.order ?? 0)).toBe(3);
  });

  it('keeps entries without ids in the order of their coming', () => {
    let timeline: Timeline = EMPTY;
    for (const text of ['a', 'b']) {
      timeline = append(timeline, [toMessage(timeline, message(0, text, { id: undefined }), me)]);
    }
    const [a, b] = timeline.entries;
    expect((a?.order ?? 0) < (b?.order ?? 0) && a?.key !== b?.key).toBe(true);
  });
});

describe('own messages', () => {
  it('wait behind the others until their echo takes their place', () => {
    const pending = outgoing(add(EMPTY, 1), item('sending'));
    expect(pending.pending).toHaveLength(1);
    const echo = toMessage(pending, message(2, 'hi', { user_id: 'me', client_id: 'k' }), me);
    const done = append(pending, [echo]);
    expect([ids(done), done.pending, echo.own, echo.key]).toEqual([[1, 2], [], true, 'k']);
    expect(outgoing(done, item('sent')).pending).toEqual([]);
  });

  it('keep their place through every state, and go last when retried by hand', () => {
    let timeline = outgoing(outgoing(EMPTY, item('failed')), item('queued', { clientId: 'l' }));
    timeline = outgoing(timeline, item('failed'));
    expect(timeline.pending.map((entry) => entry.clientId)).toEqual(['k', 'l']);
    timeline = outgoing(timeline, item('queued'));
    expect(timeline.pending.map((entry) => entry.clientId)).toEqual(['l', 'k']);
  });

  it('that were acknowledged before the room was left are put where they belong', () => {
    const timeline = outgoing(
      add(EMPTY, 1, 3),
      item('sent', { id: 2, timestamp: '2026-01-01T00:00:00.000Z' }),
    );
    const settled = settle(timeline, 3, me);
    expect([ids(settled), settled.pending]).toEqual([[1, 2, 3], []]);
  });
});

describe('notices', () => {
  const base = { timestamp: '2026-01-01T00:00:00.000Z', room: 'tech' };

  it('are read from their kind, or on a plain chatroom from their text', () => {
    const ours = toNotice(EMPTY, { ...base, id: 1, kind: 'left', username: 'Bob', user_id: 'b', text: '…' });
    const plain = toNotice(EMPTY, { ...base, text: 'Cy has joined the room' });
    const other = toNotice(EMPTY, { ...base, kind: 'renamed', username: 'Bob', text: 'Rob is now Bob' });
    expect([ours.kind, plain.kind, plain.username, other.kind]).toEqual(['left', 'joined', 'Cy', 'other']);
  });
});

it('shows control characters in names and texts', () => {
  const entry = toMessage(EMPTY, message(1, 'a\u0007b', { sender: 'x\u0000' }), me);
  expect([entry.text, entry.sender]).toEqual(['a\ufffdb', 'x\ufffd']);
});

describe('changes to messages', () => {
  const change = (kind: 'edited' | 'deleted', of: number, text?: string): MessageChanged => ({
    ...{
      kind,
      of,
      room: 'tech',
      id: 9,
      user_id: 'bob',
      username: 'Bob',
      timestamp: '2026-01-01T00:00:00.000Z',
    },
    ...(text === undefined ? {} : { text }),
  });
  const of = (timeline: Timeline) =>
    timeline.entries.flatMap((entry) => (entry.type === 'message' ? [[entry.id, entry.text]] : []));

  it('edit a text, say when, and look at it again for mentions', () => {
    const before = append(EMPTY, [toMessage(EMPTY, message(1, 'hello'), me)]);
    const after = changed(before, change('edited', 1, 'hello @Ada'), me);
    expect(after.entries[0]).toMatchObject({ text: 'hello @Ada', mention: true });
    expect(after.entries[0]).toHaveProperty('editedAt', Date.parse('2026-01-01T00:00:00.000Z'));
    expect(changed(before, change('edited', 2, 'x'), me)).toBe(before);
  });

  it('count reactions, and know which are the reader’s own', () => {
    const reacted = (
      of: number,
      kind: 'reacted' | 'unreacted',
      count: number,
      user_id = 'bob',
    ): MessageChanged => ({
      ...{ kind, of, room: 'tech', id: 9, user_id, username: '', timestamp: '', emoji: '👍', count },
    });
    const before = append(EMPTY, [
      toMessage(EMPTY, message(1, 'hi', { reactions: [{ emoji: '👍', count: 2, mine: true }] }), me),
    ]);
    const shown = (timeline: Timeline) =>
      timeline.entries[0]?.type === 'message' ? timeline.entries[0].reactions : [];
    expect(shown(before)).toEqual([{ emoji: '👍', count: 2, mine: true }]);
    expect(shown(changed(before, reacted(1, 'reacted', 5), me))).toEqual([
      { emoji: '👍', count: 5, mine: true },
    ]);
    expect(shown(changed(before, reacted(1, 'unreacted', 1, 'me'), me))).toEqual([
      { emoji: '👍', count: 1, mine: false },
    ]);
    expect(shown(changed(before, reacted(1, 'unreacted', 0), me))).toEqual([]);
  });

  it('leave a deleted message only where somebody answered it', () => {
    const entries = [1, 2, 3].map((id) => toMessage(EMPTY, message(id), me));
    const answer = { ...toMessage(EMPTY, message(4), me), replyTo: 2 };
    const all = append(EMPTY, [...entries, answer]);
    const gone = changed(changed(all, change('deleted', 1), me), change('deleted', 2), me);
    expect(of(gone)).toEqual([
      [2, ''],
      [3, 'm3'],
      [4, 'm4'],
    ]);
    // With its answer it goes too.
    expect(of(changed(gone, change('deleted', 4), me))).toEqual([[3, 'm3']]);
  });
});
