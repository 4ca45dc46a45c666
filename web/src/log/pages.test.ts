// @vitest-environment node
// Pages far back in a log, and the marks where messages between are not loaded.

import { describe, expect, it } from 'vitest';
import { message } from '../../tests/fake-socket';
import type { GapEntry } from './entries';
import { fill, insert } from './pages';
import { append, EMPTY, prepend, type Timeline, toMessage } from './timeline';

const me = { name: 'Ada', userId: 'me' };
const ids = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const page = (from: number, to: number) => ids(from, to).map((id) => toMessage(EMPTY, message(id), me));
const present: Timeline = { ...append(EMPTY, page(90, 100)), more: true };

/** What is there: runs of ids, and `…` where something is not loaded. */
const runs = ({ entries }: Timeline) => {
  const made: string[] = [];
  let before = Number.NEGATIVE_INFINITY;
  for (const entry of entries) {
    if (entry.type === 'gap') made.push('…');
    else if (entry.order === before + 1)
      made[made.length - 1] = `${made.at(-1)?.split('-')[0]}-${entry.order}`;
    else made.push(`${entry.order}`);
    before = entry.type === 'gap' ? Number.NEGATIVE_INFINITY : entry.order;
  }
  return made.join(' ');
};
const hole = (timeline: Timeline, at = 0) =>
  timeline.entries.filter((entry): entry is GapEntry => entry.type === 'gap')[at] as GapEntry;

describe('a page far back', () => {
  it('is put before what is there, with a mark between, and knows whether there is more before it', () => {
    const far = insert(present, page(40, 60), true);
    expect([runs(far), far.more, hole(far).after]).toEqual(['40-60 … 90-100', true, 60]);
    expect(insert(present, page(1, 60), false).more).toBe(false);
  });

  it('joins what it reaches', () => {
    expect(runs(insert(present, page(70, 95), true))).toBe('70-100');
    const far = insert(present, page(40, 60), true);
    expect(runs(insert(far, page(50, 70), true))).toBe('40-70 … 90-100');
    expect(runs(insert(far, page(50, 92), true))).toBe('40-100');
    expect(runs(insert(far, page(30, 45), true))).toBe('30-60 … 90-100');
    expect(runs(insert(far, page(45, 50), true))).toBe('40-60 … 90-100');
  });

  it('stands between two others with a mark on either side', () => {
    const far = insert(insert(present, page(10, 20), true), page(50, 60), true);
    expect([runs(far), far.more]).toEqual(['10-20 … 50-60 … 90-100', true]);
    expect(runs(prepend(far, page(5, 9), false))).toBe('5-20 … 50-60 … 90-100');
  });

  it('that is empty changes nothing', () => expect(insert(present, [], false)).toBe(present));
});

describe('a mark', () => {
  const far = insert(present, page(40, 60), true);

  it('goes on behind the page that is loaded, and goes where nothing is missing any more', () => {
    const more = fill(far, hole(far), page(61, 80), true);
    expect(runs(more)).toBe('40-80 … 90-100');
    expect(runs(fill(more, hole(more), page(81, 95), true))).toBe('40-100');
    // The server has no more: what was between is not kept any more.
    expect(runs(fill(more, hole(more), page(81, 85), false))).toBe('40-85 90-100');
  });
});
