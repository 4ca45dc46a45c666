// Turns a message into blocks to show: text, > quotes, lists and fenced code. What is within them: see inline.ts.

import { inline, type Part } from './inline';

export type { Part } from './inline';

export interface Item {
  /** What stands before it: a bullet, or the number that was written. */
  mark: string;
  parts: Part[];
}

export type Block =
  | { kind: 'text' | 'quote'; parts: Part[] }
  | { kind: 'list'; items: Item[] }
  | { kind: 'code'; text: string };

const FENCE = '```';
const NAME_OF_CODE = /[a-z0-9+-]/i;

/** What is fenced, and what is between that. */
function* fences(text: string): Generator<{ text: string; fenced: boolean }> {
  let at = 0;
  for (;;) {
    const open = text.indexOf(FENCE, at);
    if (open < 0) break;
    let start = open + FENCE.length;
    let name = start;
    while (NAME_OF_CODE.test(text.charAt(name))) name += 1;
    if (text.charAt(name) === '\n') start = name + 1;
    const close = text.indexOf(FENCE, start);
    // Neither has any fence behind it an end.
    if (close < 0) break;
    // The line breaks around a block are its edges, not empty lines.
    const last = close > start && text.charAt(close - 1) === '\n' ? close - 1 : close;
    const first = open > at && text.charAt(open - 1) === '\n' ? open - 1 : open;
    yield { text: text.slice(at, first), fenced: false };
    yield { text: text.slice(start, last), fenced: true };
    at = close + FENCE.length;
    if (text.charAt(at) === '\n') at += 1;
  }
  yield { text: text.slice(at), fenced: false };
}

const QUOTE = /^> ?/;
const ITEM = /^ {0,3}(?:([-*•])|(\d{1,4})[.)]) (?=\S)/;

type Kind = 'text' | 'quote' | 'list';

const kindOf = (line: string): Kind => (QUOTE.test(line) ? 'quote' : ITEM.test(line) ? 'list' : 'text');

function itemOf(line: string, me: string): Item {
  const [mark = '', , number] = ITEM.exec(line) ?? [];
  return { mark: number === undefined ? '•' : `${number}.`, parts: inline(line.slice(mark.length), me) };
}

function blockOf(kind: Kind, lines: readonly string[], me: string): Block {
  if (kind === 'list') return { kind, items: lines.map((line) => itemOf(line, me)) };
  const text = lines.map((line) => (kind === 'quote' ? line.replace(QUOTE, '') : line)).join('\n');
  return { kind, parts: inline(text, me) };
}

function lines(text: string, me: string): Block[] {
  const blocks: Block[] = [];
  let group: string[] = [];
  let kind: Kind | null = null;
  const end = () => {
    if (kind && group.length > 0) blocks.push(blockOf(kind, group, me));
    group = [];
  };
  for (const line of text.split('\n')) {
    const next = kindOf(line);
    if (next !== kind) end();
    kind = next;
    group.push(line);
  }
  end();
  return blocks;
}

/** The blocks of `text`, where `me` is the reader's name. */
export function parse(text: string, me: string): Block[] {
  const blocks: Block[] = [];
  for (const piece of fences(text)) {
    if (piece.fenced) blocks.push({ kind: 'code', text: piece.text });
    else if (piece.text !== '') blocks.push(...lines(piece.text, me));
  }
  return blocks;
}

const EMOJI_MAX = 3;
const EMOJI = /\p{Extended_Pictographic}|\p{Regional_Indicator}|\u20e3/u;
/** The longest emoji are families and flags of several parts. */
const EMOJI_UNITS = 64;
const segmenter = new Intl.Segmenter();

/** Whether `text` is nothing but one to three emoji. */
export function isEmojiOnly(text: string): boolean {
  const bare = text.replace(/\s+/gu, '');
  if (bare === '' || bare.length > EMOJI_UNITS || text.length > EMOJI_UNITS * 2) return false;
  const all = Array.from(segmenter.segment(bare), ({ segment }) => segment);
  return all.length <= EMOJI_MAX && all.every((one) => EMOJI.test(one) && !/^[\p{L}\p{N}]$/u.test(one));
}
