// @vitest-environment node
// Unread counts over plain objects: no page, no signals.

import { beforeEach, describe, expect, it } from 'vitest';
import { message } from '../../tests/fake-socket';
import { append, EMPTY, nextEpoch, type Timeline, toMessage } from './timeline';
import { type Cell, type Count, NOTHING, type ReadMark, UnreadCounter } from './unread';

const me = { name: 'Ada', userId: 'me' };
const cell = <T>(value: T): Cell<T> => ({
  value,
  peek() {
    return this.value;
  },
});

function create() {
  return {
    here: cell<Count>(NOTHING),
    newest: cell<Readonly<Record<string, number>>>({}),
    newFrom: cell<number | null>(null),
    marks: cell<Record<string, ReadMark>>({}),
  };
}

let cells: ReturnType<typeof create>;
let changes: [string, number][];
let unread: UnreadCounter;
let timeline: Timeline;

/** The room receives messages with these ids and texts. */
function receive(...texts: [number, string, object?][]): void {
  const entries = texts.map(([id, text, more]) => toMessage(timeline, message(id, text, more), me));
  timeline = append(timeline, entries);
  unread.add(entries);
}

beforeEach(() => {
  cells = create();
  changes = [];
  timeline = EMPTY;
  unread = new UnreadCounter(cells, (room, { count }) => changes.push([room, count]));
  unread.enter('tech', 'e1', timeline, 0);
});

describe('in the room that is open', () => {
  it('what arrives in view is read and not counted', () => {
    receive([1, 'hi'], [2, 'hi @Ada']);
    expect(cells.here.value).toEqual(NOTHING);
    expect(cells.newFrom.value).toBeNull();
    expect(cells.marks.value).toEqual({ tech: { epoch: 'e1', id: 2 } });
  });

  it('what arrives out of view is counted with its mentions, but not the own messages', () => {
    unread.reading(false);
    receive([1, 'hi'], [2, 'hi @ada!'], [3, 'own', { user_id: 'me', sender: 'Ada' }], [4, 'mail a@adam']);
    expect(cells.here.value).toEqual({ count: 3, mentions: 1 });
    expect(cells.newFrom.value).toBe(1);
    expect(cells.marks.value).toEqual({});
    unread.reading(true);
    expect(cells.here.value).toEqual(NOTHING);
    expect([cells.marks.value.tech?.id, cells.newFrom.value]).toEqual([4, 1]);
    unread.clearLine();
    expect(cells.newFrom.value).toBeNull();
    expect(changes).toEqual([
      ['tech', 3],
      ['tech', 0],
    ]);
  });

  it('the focus reads up to its message, and never unreads', () => {
    unread.reading(false);
    receive([1, 'a'], [2, 'b @Ada'], [3, 'c']);
    const focus = (id: number) => {
      const entry = timeline.entries.find((other) => other.order === id);
      if (entry?.type === 'message') unread.passed(entry, timeline.entries);
    };
    focus(2);
    expect([cells.here.value, cells.marks.value.tech?.id]).toEqual([{ count: 1, mentions: 0 }, 2]);
    focus(1);
    expect([cells.here.value.count, cells.marks.value.tech?.id]).toEqual([1, 2]);
  });

  it('what was sent while the reader was away is new, though it arrives in view', () => {
    receive([1, 'a']);
    unread.leave();
    unread.enter('music', 'm', EMPTY, 0);
    unread.enter('tech', 'e1', timeline, 3);
    receive([2, 'b'], [3, 'c'], [4, 'live']);
    expect(cells.newFrom.value).toBe(2);
  });

  it('a restarted log is counted from its own beginning', () => {
    receive([1, 'a'], [9, 'b']);
    timeline = nextEpoch(timeline);
    unread.enter('tech', 'e2', timeline, 0);
    unread.reading(false);
    receive([1, 'again']);
    expect(cells.here.value.count).toBe(1);
    unread.reading(true);
    expect(cells.marks.value.tech).toEqual({ epoch: 'e2', id: 1 });
  });
});

describe('in other rooms', () => {
  it('what is there at first sight is not new, and what comes after it is', () => {
    unread.activity({ music: 7 });
    expect(unread.waits('music')).toBe(false);
    unread.activity({ music: 8 });
    expect(unread.waits('music')).toBe(true);
    expect(unread.waits('nowhere')).toBe(false);
  });

  it('ids that start again after a restart are no news', () => {
    unread.activity({ music: 50 });
    unread.connected();
    unread.activity({ music: 3 });
    expect([unread.waits('music'), cells.marks.value.music?.id]).toEqual([false, 3]);
    unread.activity({ music: 4 });
    expect(unread.waits('music')).toBe(true);
  });

  it('a late report within a connection does not move the mark back', () => {
    unread.activity({ music: 5 });
    unread.activity({ music: 4 });
    expect(cells.marks.value.music?.id).toBe(5);
  });
});
