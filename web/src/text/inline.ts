// Turns a line of a message into parts to show: plain text, links, `code`, **bold**, *italic*, _italic_, ~~struck~~ and
// @mentions. Marks stay visible in what is copied because the source text is copied, not the parts.
//
// Whoever writes a message chooses what its readers' browsers do with it. So each rule walks over the text once: the
// end of a mark is looked for from its beginning to the next mark of its kind, and never again from there.

import { links } from './links';
import { mentionPattern } from './mentions';

export type Part =
  | { kind: 'text' | 'code' | 'mention'; text: string }
  | { kind: 'bold' | 'italic' | 'strike'; parts: Part[] }
  | { kind: 'link'; text: string; href: string; host: string | null };

/** What a rule found, from `start` to `end`. */
interface Found {
  start: number;
  end: number;
  part: Part;
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

function codes(text: string): Found[] {
  const found: Found[] = [];
  let at = 0;
  for (;;) {
    const open = text.indexOf('`', at);
    if (open < 0) return found;
    const { close, stop } = closing(text, '`', open);
    // Nothing between two marks: the second one may begin something.
    if (close <= open + 1) {
      at = stop;
      continue;
    }
    at = close + 1;
    found.push({ start: open, end: at, part: { kind: 'code', text: text.slice(open + 1, close) } });
  }
}

const addresses = (text: string): Found[] =>
  links(text).map(({ start, end, href, host }) => ({
    start,
    end,
    part: { kind: 'link', text: text.slice(start, end), href, host },
  }));

function named(text: string, me: string): Found[] {
  if (me === '' || !text.includes('@')) return [];
  return [...text.matchAll(mentionPattern(me))].map((match) => ({
    start: match.index,
    end: match.index + match[0].length,
    part: { kind: 'mention', text: match[0] },
  }));
}

/** Both lists in their order; where two overlap, the one of `first` counts. */
function merged(first: readonly Found[], second: readonly Found[]): Found[] {
  const all: Found[] = [];
  let at = 0;
  for (const found of second) {
    for (let next = first[at]; next && next.start < found.end; next = first[at]) {
      all.push(next);
      at += 1;
    }
    if ((all.at(-1)?.end ?? 0) <= found.start) all.push(found);
  }
  return [...all, ...first.slice(at)];
}

const WORD = /[\p{L}\p{N}]/u;
const SPACE = /\s/u;
/** More marks within one another are text. */
const DEPTH_MAX = 6;

const KINDS = { '**': 'bold', '*': 'italic', _: 'italic', '~~': 'strike' } as const;
type Mark = keyof typeof KINDS;

/** A mark that is open, and the parts within it so far. */
interface Open {
  mark: Mark | null;
  parts: Part[];
}

/** The marks that a run of the same sign may stand for, the longest first. */
function marksOf(run: string): Mark[] {
  if (run === '***') return ['**', '*'];
  return run in KINDS ? [run as Mark] : [];
}

/** The whole character that ends before `at`. */
function before(text: string, at: number): string {
  const low = text.charCodeAt(at - 1);
  return low >= 0xdc00 && low < 0xe000 ? text.slice(Math.max(0, at - 2), at) : text.charAt(at - 1);
}

const after = (text: string, at: number) => String.fromCodePoint(text.codePointAt(at) ?? 0x20);

class Builder {
  readonly #stack: Open[] = [{ mark: null, parts: [] }];

  get #top(): Open {
    return this.#stack.at(-1) as Open;
  }

  add(part: Part): void {
    const { parts } = this.#top;
    const last = parts.at(-1);
    if (part.kind === 'text' && last?.kind === 'text') parts[parts.length - 1] = joined(last.text, part.text);
    else if (part.kind !== 'text' || part.text !== '') parts.push(part);
  }

  open(mark: Mark): boolean {
    if (this.#stack.length > DEPTH_MAX || this.#isOpen(mark)) return false;
    this.#stack.push({ mark, parts: [] });
    return true;
  }

  /** Which of `marks` was opened last, of those that are open. */
  innermost(marks: readonly Mark[]): Mark | null {
    return this.#stack.findLast(({ mark }) => mark && marks.includes(mark))?.mark ?? null;
  }

  /** Closes an open mark; what was opened within it and not closed is text. */
  close(mark: Mark): void {
    while (this.#top.mark !== mark) this.#drop();
    const { parts } = this.#stack.pop() as Open;
    this.add({ kind: KINDS[mark], parts });
  }

  /** At the end of a line nothing stays open. */
  end(): Part[] {
    while (this.#stack.length > 1) this.#drop();
    return this.#top.parts;
  }

  #isOpen(mark: Mark): boolean {
    return this.#stack.some((open) => open.mark === mark);
  }

  #drop(): void {
    const { mark, parts } = this.#stack.pop() as Open;
    this.add({ kind: 'text', text: mark ?? '' });
    for (const part of parts) this.add(part);
  }
}

const joined = (one: string, other: string): Part => ({ kind: 'text', text: one + other });

/** Takes a run of one sign in: as marks that close or open something, otherwise as text. */
function take(text: string, start: number, end: number, builder: Builder): void {
  const run = text.slice(start, end);
  const outside = before(text, start);
  const inside = after(text, end);
  // On its outer side a mark stands free, so that 2*3*4 and snake_case are none, nor what has a backslash before it.
  const closes = start > 0 && !SPACE.test(outside) && !WORD.test(inside);
  const opens = !SPACE.test(inside) && !WORD.test(outside) && outside !== '\\';
  const wanted = marksOf(run);
  let rest: string = run;
  if (closes) {
    for (let mark = builder.innermost(wanted); mark; mark = builder.innermost(marksOf(rest))) {
      builder.close(mark);
      rest = rest.slice(mark.length);
    }
  }
  if (opens) {
    for (const mark of marksOf(rest)) {
      if (builder.open(mark)) rest = rest.slice(mark.length);
    }
  }
  if (rest) builder.add({ kind: 'text', text: rest });
}

const RUN = /\*+|_+|~+|\n/g;

/** The text between two parts: its marks, and what is between those. */
function emphasis(text: string, start: number, end: number, builder: Builder): void {
  RUN.lastIndex = start;
  let at = start;
  for (let match = RUN.exec(text); match && match.index < end; match = RUN.exec(text)) {
    const stop = Math.min(end, match.index + match[0].length);
    builder.add({ kind: 'text', text: text.slice(at, match.index) });
    if (match[0] === '\n') {
      builder.end();
      builder.add({ kind: 'text', text: '\n' });
    } else take(text, match.index, stop, builder);
    at = stop;
    RUN.lastIndex = stop;
  }
  builder.add({ kind: 'text', text: text.slice(at, end) });
}

/** The parts of `text`, where `me` is the reader's name. */
export function inline(text: string, me: string): Part[] {
  const code = codes(text);
  const builder = new Builder();
  let at = 0;
  // Addresses come before marks: the underscores in them are none.
  for (const { start, end, part } of merged(code, merged(addresses(text), named(text, me)))) {
    if (start < at) continue;
    emphasis(text, at, start, builder);
    builder.add(part);
    at = end;
  }
  emphasis(text, at, text.length, builder);
  return builder.end();
}
