// Finds the addresses in a text. Only http and https, and only what URL() itself understands.

export interface Link {
  start: number;
  end: number;
  href: string;
}

const CANDIDATE = /\bhttps?:\/\/[^\s<>"`]+/giu;
const TRAILING = /[.,:;!?'"…*\u3002\uff0c]+$/u;
const PAIRS: readonly (readonly [string, string])[] = [
  [')', '('],
  [']', '['],
  ['}', '{'],
];

/** Cuts off what belongs to the sentence around the address: punctuation, and a bracket it did not open. */
function trim(candidate: string): string {
  let text = candidate;
  for (;;) {
    const before = text;
    text = text.replace(TRAILING, '');
    for (const [close, open] of PAIRS) {
      if (text.endsWith(close) && text.split(close).length > text.split(open).length)
        text = text.slice(0, -1);
    }
    if (text === before) return text;
  }
}

export function links(text: string): Link[] {
  const found: Link[] = [];
  for (const match of text.matchAll(CANDIDATE)) {
    const address = trim(match[0]);
    if (!URL.canParse(address)) continue;
    const url = new URL(address);
    // A name and password before the host are there to mislead.
    if (url.username || url.password) continue;
    found.push({ start: match.index, end: match.index + address.length, href: url.href });
  }
  return found;
}
