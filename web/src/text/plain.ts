// Text as text: what cannot be seen is shown, what is counted is counted as people count it.

// With those that turn the direction of what follows: they make a text read as another one. The marks LRM, RLM and
// ALM turn nothing around, and people who write from right to left need them.
const CONTROL =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufffe\uffff]/gu;

/** Control characters become visible, so that nothing hides in a name or a message. */
export function visible(text: string): string {
  return text.replace(CONTROL, '\ufffd');
}

const segmenter = new Intl.Segmenter();

const ASCII = /^[\u0000-\u007f]*$/;
/** Browsers take time in proportion to the whole text for each character of it, so it is given to them in pieces. */
const PIECE = 256;

/** Characters as a reader counts them. */
export function graphemes(text: string): number {
  if (ASCII.test(text)) return text.length - (text.includes('\r') ? text.split('\r\n').length - 1 : 0);
  let count = 0;
  for (let at = 0; at < text.length; ) {
    const isLast = at + PIECE >= text.length;
    const cutsPair = !isLast && (text.charCodeAt(at + PIECE) & 0xfc00) === 0xdc00;
    const piece = text.slice(at, at + PIECE - (cutsPair ? 1 : 0));
    let last = 0;
    for (const { index } of segmenter.segment(piece)) {
      last = index;
      count += 1;
    }
    if (isLast) break;
    // The last character of a piece may go on in the next one, and begins that; one that fills a piece is cut.
    if (last > 0) count -= 1;
    at += last || piece.length;
  }
  return count;
}

/** How many bytes `text` has as UTF-8. */
export function bytes(text: string): number {
  let count = text.length;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    // A pair of surrogates has four bytes: two for each half.
    if (unit >= 0x80) count += unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 1 : 2;
  }
  return count;
}

/** One or two letters for a name's disc. */
export function initials(name: string): string {
  const words = name
    .trim()
    .split(/[\s._-]+/u)
    .filter(Boolean);
  const first = (word: string | undefined) =>
    word ? (segmenter.segment(word)[Symbol.iterator]().next().value?.segment ?? '') : '';
  const [one, two] = [first(words[0]), words.length > 1 ? first(words.at(-1)) : ''];
  return (one + two).toLocaleUpperCase();
}

/** A hue for a name: always the same, and spread over the circle. */
export function hue(name: string): number {
  let hash = 2166136261;
  for (let i = 0; i < name.length; i += 1) hash = Math.imul(hash ^ name.charCodeAt(i), 16777619);
  return ((hash >>> 0) % 24) * 15;
}
