// How much more may be written, by the server's two limits: what a reader counts, and what is sent.

import { bytes, graphemes } from './plain';

export interface Limits {
  /** 0 = not limited. */
  chars: number;
  bytes: number;
}

export interface Left {
  n: number;
  unit: 'chars' | 'bytes';
}

/** From this share of a limit on it is shown. */
const WARN_AT = 0.8;

/** What is left of the limit that `text` is closer to, once it matters; null before. Below 0 the text is too long. */
export function roomLeft(text: string, limits: Limits): Left | null {
  const chars = limits.chars || Number.POSITIVE_INFINITY;
  const size = limits.bytes || Number.POSITIVE_INFINITY;
  // No character has less than one unit, nor a unit more than three bytes: most texts need not be counted.
  if (text.length < chars * WARN_AT && text.length * 3 < size * WARN_AT) return null;
  const used = bytes(text);
  const tooLarge: Left = { n: size - used, unit: 'bytes' };
  // Characters beyond ASCII are dear to count, and a text that is too large is refused for that.
  if (used > size && used !== text.length) return tooLarge;
  const count = graphemes(text);
  const tooLong: Left = { n: chars - count, unit: 'chars' };
  const nearest = used / size > count / chars && count <= chars ? tooLarge : tooLong;
  return Math.max(used / size, count / chars) < WARN_AT ? null : nearest;
}
