// What the log decides: where the reader is, where a key leads, and what a selection is as text.

import { afterEach, describe, expect, it, vi } from 'vitest';
import { copied } from './copied';
import { rowAfter } from './log-keys';
import { firstBelow, positionIn } from './scrolling';

describe('a scroll position', () => {
  const at = (below: number, scrollTop = 1000) =>
    positionIn({ scrollTop, clientHeight: 600, scrollHeight: scrollTop + 600 + below });

  it('is at the end within 48 pixels of it', () => {
    expect([0, 47, 48].map((below) => at(below).atEnd)).toEqual([true, true, false]);
  });

  it('needs more rows within 400 pixels of an edge', () => {
    expect([399, 400].map((below) => at(below).nearEnd)).toEqual([true, false]);
    expect([0, 399, 400].map((top) => at(1000, top).nearStart)).toEqual([true, true, false]);
  });

  it('is held by the first row that ends below the upper edge, with few measurements', () => {
    const bottomOf = vi.fn((index: number) => (index + 1) * 10);
    expect(firstBelow(0, 400, bottomOf)).toBe(0);
    expect(firstBelow(10, 400, bottomOf)).toBe(1);
    expect(firstBelow(1234, 400, bottomOf)).toBe(123);
    expect(firstBelow(4000, 400, bottomOf)).toBe(400);
    expect(firstBelow(5, 0, bottomOf)).toBe(0);
    expect(bottomOf.mock.calls.length).toBeLessThanOrEqual(36);
  });
});

describe('a key in the log', () => {
  it.each([
    ['ArrowUp', [29, 0, 4]],
    ['ArrowDown', [29, 1, 6]],
    ['PageUp', [29, 0, 0]],
    ['PageDown', [29, 10, 15]],
    ['Home', [0, 0, 0]],
    ['End', [29, 29, 29]],
    ['a', [null, null, null]],
  ])('%s leads from outside, from the first and from the sixth of 30 rows to %j', (key, rows) => {
    expect([-1, 0, 5].map((from) => rowAfter(key, 30, from))).toEqual(rows);
  });

  it('stays at the last row', () => {
    expect(['ArrowDown', 'PageDown'].map((key) => rowAfter(key, 30, 29))).toEqual([29, 29]);
  });
});

describe('a selection is copied', () => {
  afterEach(() => document.body.replaceChildren());

  const TEXTS: Record<string, { author: string; text: string }> = {
    a: { author: 'Ada', text: '*hello* there' },
    b: { author: 'Bob #0002', text: 'second' },
  };
  const said = (key: string) => TEXTS[key] ?? null;

  function log(): [Text, Text] {
    const list = document.createElement('ol');
    list.className = 'log';
    const texts = [
      ['a', 'Ada', 'hello there'],
      ['b', 'Bob', 'second'],
    ].map(([key = '', name = '', shown = '']) => {
      const [row, who, text] = ['li', 'b', 'div'].map((tag) => document.createElement(tag));
      if (!row || !who || !text) throw new Error('no elements');
      [row.className, row.dataset.key, who.textContent] = ['m', key, name];
      text.className = 'text';
      const node = document.createTextNode(shown);
      text.append(node);
      row.append(who, text);
      list.append(row);
      return node;
    });
    document.body.append(list);
    return texts as [Text, Text];
  }

  function select(from: [Node, number], to: [Node, number]): Selection {
    const range = document.createRange();
    range.setStart(...from);
    range.setEnd(...to);
    return { rangeCount: 1, getRangeAt: () => range } as unknown as Selection;
  }

  it('as who said what over several messages, the source of those that are whole', () => {
    const [first, second] = log();
    expect(copied(select([first, 0], [second, 3]), said)).toBe('Ada: *hello* there\nBob #0002: sec');
    expect(copied(select([first, 6], [second, 6]), said)).toBe('Ada: there\nBob #0002: second');
  });

  it('as the browser has it within one message, and outside the messages', () => {
    const [first] = log();
    expect(copied(select([first, 0], [first, 5]), said)).toBeNull();
    const outside = document.createElement('p');
    outside.textContent = 'elsewhere';
    document.body.append(outside);
    expect(copied(select([outside, 0], [outside, 1]), said)).toBeNull();
  });

  it('as the text alone, after a triple click that reaches the next row', () => {
    const [first, second] = log();
    const next = second.parentElement?.parentElement;
    if (!next) throw new Error('no row');
    expect(copied(select([first, 0], [next, 0]), said)).toBe('*hello* there');
  });
});
