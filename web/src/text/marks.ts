// Turns a message into parts to show: plain text, links, `code`, fenced code, *bold*, _italic_ and @mentions.
// Marks stay visible in what is copied because the source text is copied, not the parts.
//
// Whoever writes a message chooses what its readers' browsers do with it. So each rule walks over the text once: the
// end of a mark is looked for from its beginning to the next mark of its kind, and never again from there.

import { links } from './links';
import { mentionPattern } from './mentions';

export type Part =
  | { kind: 'text' | 'code' | 'block' | 'bold' | 'italic'; text: string }
  | { kind: 'link'; text: string; href: string; host: string | null }
  | { kind: 'mention'; text: string };

/** What a rule found, from `start` to `end`. */
interface Found {
  start: number;
  end: number;
  part: Part;
}

const FENCE = '```';
const NAME_OF_CODE = /[a-z0-9+-]/i;

function* fences(text: string): Generator<Found> {
  let at = 0;
  for (;;) {
    const open = text.indexOf(FENCE, at);
    if (open < 0) return;
    let start = open + FENCE.length;
    let name = start;
    while (NAME_OF_CODE.test(text.charAt(name))) name += 1;
    if (text.charAt(name) === '\n') start = name + 1;
    const close = text.indexOf(FENCE, start);
    // Neither has any fence behind it an end.
    if (close < 0) return;
    // The line breaks around a block are its edges, not empty lines.
    const last = close > start && text.charAt(close - 1) === '\n' ? close - 1 : close;
    const first = open > at && text.charAt(open - 1) === '\n' ? open - 1 : open;
    at = close + FENCE.length;
    if (text.charAt(at) === '\n') at += 1;
    yield { start: first, end: at, part: { kind: 'block', text: text.slice(start, last) } };
  }
}

/** Where `mark` comes next behind `open`, in the same line; -1 if it does not. `stop` is where it was looked for. */
function closing(text: string, mark: string, open: number): { close: number; stop: number } {
  let at = open + 1;
  for (; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === mark) return { close: at, stop: at };
    if (char === '\n') break;
  }
  return { close: -1, stop: at };
}

function* codes(text: string): Generator<Found> {
  let at = 0;
  for (;;) {
    const open = text.indexOf('`', at);
    if (open < 0) return;
    const { close, stop } = closing(text, '`', open);
    // Nothing between two marks: the second one may begin something.
    if (close <= open + 1) {
      at = stop;
      continue;
    }
    at = close + 1;
    yield { start: open, end: at, part: { kind: 'code', text: text.slice(open + 1, close) } };
  }
}

const WORD = /[\p{L}\p{N}]/u;
const SPACE = /\s/u;

/** The whole character that ends before `at`. */
function before(text: string, at: number): string {
  const low = text.charCodeAt(at - 1);
  return low >= 0xdc00 && low < 0xe000 ? text.slice(Math.max(0, at - 2), at) : text.charAt(at - 1);
}

const after = (text: string, at: number) => String.fromCodePoint(text.codePointAt(at) ?? 0x20);

/** Whether a mark at `at` stands free on its outer side, so that 2*3*4 and snake_case are none. */
const free = (char: string, mark: string) => char !== mark && !WORD.test(char);

function* emphasis(text: string): Generator<Found> {
  let at = 0;
  while (at < text.length) {
    const mark = text.charAt(at);
    if (mark !== '*' && mark !== '_') {
      at += 1;
      continue;
    }
    const open = at;
    at += 1;
    if (!free(before(text, open), mark) || SPACE.test(text.charAt(open + 1))) continue;
    const { close } = closing(text, mark, open);
    if (close <= open + 1 || SPACE.test(text.charAt(close - 1)) || !free(after(text, close + 1), mark))
      continue;
    at = close + 1;
    const inner = text.slice(open + 1, close);
    yield { start: open, end: at, part: { kind: mark === '*' ? 'bold' : 'italic', text: inner } };
  }
}

function* addresses(text: string): Generator<Found> {
  for (const { start, end, href, host } of links(text))
    yield { start, end, part: { kind: 'link', text: text.slice(start, end), href, host } };
}

function* named(text: string, me: string): Generator<Found> {
  if (me === '' || !text.includes('@')) return;
  for (const match of text.matchAll(mentionPattern(me))) {
    const end = match.index + match[0].length;
    yield { start: match.index, end, part: { kind: 'mention', text: match[0] } };
  }
}

type Rule = (text: string, me: string) => Iterable<Found>;

/** The first rule splits the text, the next ones what is between its parts. Addresses come before marks: the underscores in them are none. */
const RULES: readonly Rule[] = [fences, codes, addresses, emphasis, named];

/** The parts of `text`, where `me` is the reader's name. */
export function parse(text: string, me: string, [rule, ...rest]: readonly Rule[] = RULES): Part[] {
  if (text === '') return [];
  if (!rule) return [{ kind: 'text', text }];
  const parts: Part[] = [];
  let at = 0;
  for (const { start, end, part } of rule(text, me)) {
    for (const piece of parse(text.slice(at, start), me, rest)) parts.push(piece);
    parts.push(part);
    at = end;
  }
  for (const piece of parse(text.slice(at), me, rest)) parts.push(piece);
  return parts;
}
