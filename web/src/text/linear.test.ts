// Every rule for text costs in proportion to the text's length, whatever the text.

import { describe, expect, it } from 'vitest';
import { EMPTY, toMessage, toNotice } from '../log/timeline';
import { commandAt, emojiAt, wordAt } from '../view/candidates';
import { ADVERSARIAL } from './adversarial.mjs';
import { links } from './links';
import { isEmojiOnly, parse } from './marks';
import { mentions } from './mentions';
import { graphemes, initials, visible } from './plain';

const me = { name: 'Ada', userId: 'me' };
const RULES: Record<string, (text: string) => unknown> = {
  links,
  marks: (text) => parse(text, 'Ada'),
  'marks for a reader of signs': (text) => parse(text, '@@_*`'),
  mentions: (text) => mentions(text, 'Ada'),
  visible,
  graphemes: (text) => graphemes(text),
  initials,
  'the word to complete': (text) => wordAt(text, text.length),
  'the emoji to complete': (text) => emojiAt(text, text.length),
  'the command to complete': (text) => commandAt(text, text.length),
  'emoji alone': isEmojiOnly,
  'a message': (text) => toMessage(EMPTY, { sender: text, text, timestamp: '', room: 'x' }, me),
  'a notice': (text) => toNotice(EMPTY, { text, timestamp: '' }),
};

const SHORT = 2_000;
const TIMES = 16;
/** 16 times the length may cost 64 times as much: a quadratic rule needs 256. */
const FACTOR = 64;
/** What is cheaper than this is not worth measuring. */
const FLOOR_MS = 2;

/** A busy machine may spoil a comparison, but not this many. */
const TRIES = 5;

/** Milliseconds of the processor, the best of several runs: what else the machine does only ever adds. */
function cost(rule: (text: string) => unknown, text: string): number {
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 3; run += 1) {
    const start = process.cpuUsage();
    rule(text);
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, (user + system) / 1000);
    if (best < FLOOR_MS) break;
  }
  return best;
}

describe.each(Object.entries(RULES))('%s', (_, rule) => {
  it.each(Object.entries(ADVERSARIAL))('of %s', (_, fill) => {
    let ratio = Number.POSITIVE_INFINITY;
    for (let i = 0; i < TRIES && ratio >= FACTOR; i += 1) {
      const short = Math.max(cost(rule, fill(SHORT)), FLOOR_MS);
      ratio = Math.min(ratio, cost(rule, fill(SHORT * TIMES)) / short);
    }
    expect(ratio).toBeLessThan(FACTOR);
  });
});
