// Turns a message into parts to show: plain text, links, `code`, fenced code, *bold*, _italic_ and @mentions.
// Marks stay visible in what is copied because the source text is copied, not the parts.

import { links } from './links';
import { mentionPattern } from './mentions';

export type Part =
  | { kind: 'text' | 'code' | 'block' | 'bold' | 'italic'; text: string }
  | { kind: 'link'; text: string; href: string }
  | { kind: 'mention'; text: string };

// The line breaks around a block are its edges, not empty lines.
const FENCE = /\n?```(?:[a-z0-9+-]*\n)?([\s\S]*?)\n?```\n?/giu;
const CODE = /`([^`\n]+)`/gu;
const STRONG_OR_EMPHASIS =
  /(?<![\p{L}\p{N}*])\*(?!\s)([^*\n]+?)(?<!\s)\*(?![\p{L}\p{N}*])|(?<![\p{L}\p{N}_])_(?!\s)([^_\n]+?)(?<!\s)_(?![\p{L}\p{N}_])/gu;

/** Splits `text` at the matches of `pattern`; what is between them goes on to `rest`. */
function split(
  text: string,
  pattern: RegExp,
  found: (match: RegExpExecArray) => Part,
  rest: (text: string) => Part[],
): Part[] {
  const parts: Part[] = [];
  let at = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > at) parts.push(...rest(text.slice(at, match.index)));
    parts.push(found(match));
    at = match.index + match[0].length;
  }
  if (at < text.length) parts.push(...rest(text.slice(at)));
  return parts;
}

function emphasis(match: RegExpExecArray): Part {
  if (match[1] !== undefined) return { kind: 'bold', text: match[1] };
  return { kind: 'italic', text: match[2] ?? '' };
}

function linked(text: string, rest: (text: string) => Part[]): Part[] {
  const parts: Part[] = [];
  let at = 0;
  for (const { start, end, href } of links(text)) {
    if (start > at) parts.push(...rest(text.slice(at, start)));
    parts.push({ kind: 'link', text: text.slice(start, end), href });
    at = end;
  }
  if (at < text.length) parts.push(...rest(text.slice(at)));
  return parts;
}

/** The parts of `text`, where `me` is the reader's name. */
export function parse(text: string, me: string): Part[] {
  const plain = (piece: string): Part[] => [{ kind: 'text', text: piece }];
  const named = (piece: string): Part[] =>
    me === '' || !piece.includes('@')
      ? plain(piece)
      : split(piece, mentionPattern(me), (match) => ({ kind: 'mention', text: match[0] }), plain);
  const marked = (piece: string): Part[] => split(piece, STRONG_OR_EMPHASIS, emphasis, named);
  // Addresses before marks: the underscores in them are none.
  const addressed = (piece: string): Part[] => linked(piece, marked);
  const coded = (piece: string): Part[] =>
    split(piece, CODE, (match) => ({ kind: 'code', text: match[1] ?? '' }), addressed);
  return split(text, FENCE, (match) => ({ kind: 'block', text: match[1] ?? '' }), coded);
}
