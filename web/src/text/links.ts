// Finds the addresses in a text: http and https, also where they begin with www., and only what URL() itself
// understands; and those of mail.

export interface Link {
  start: number;
  end: number;
  href: string;
  /** The host that the address leads to, where the text reads as another one: in other letters, or in another form. */
  host: string | null;
}

// Characters that turn the direction are left out too, and what is shown in their place: inside of an address they
// would only change how it looks.
const CANDIDATE =
  /\b(?:https?:\/\/|www\.(?=[^\s.]))[^\s<>"`\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffd]+/giu;
const TRAILING = new Set('.,:;!?\'"…*\u3002\uff0c');
const PAIRS: ReadonlyMap<string, string> = new Map([
  [')', '('],
  [']', '['],
  ['}', '{'],
]);
/** Names of hosts end at 253; longer ones are not worth what it costs to read them. */
const AUTHORITY_MAX = 300;

function count(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const char of text) found.set(char, (found.get(char) ?? 0) + 1);
  return found;
}

/** Cuts off what belongs to the sentence around the address: punctuation, and a bracket it did not open. */
function trim(candidate: string): string {
  const chars = count(candidate);
  let end = candidate.length;
  for (; end > 0; end -= 1) {
    const last = candidate.charAt(end - 1);
    if (TRAILING.has(last)) continue;
    const open = PAIRS.get(last);
    const closed = chars.get(last) ?? 0;
    if (open === undefined || closed <= (chars.get(open) ?? 0)) break;
    chars.set(last, closed - 1);
  }
  return candidate.slice(0, end);
}

/** The part of an address that names the host, as it is written. */
const authority = (address: string) => /^https?:[/\\]+([^/\\?#]*)/iu.exec(address)?.[1] ?? '';

/** Whether both are written in the same letters: then the reader sees where the address leads. */
function reads(written: string, host: string): boolean {
  return written.replace(/:\d*$/, '').toLowerCase() === host;
}

const LABEL_MAX = 40;

/** An address in short: its host first, and of a long host the end, which says whose it is. */
export function shortened(href: string): string {
  const { protocol, host, pathname, search } = new URL(href);
  if (protocol === 'mailto:') return pathname.slice(0, LABEL_MAX);
  if (host.length > LABEL_MAX) return `…${host.slice(1 - LABEL_MAX)}`;
  const rest = pathname === '/' && search === '' ? '' : pathname + search;
  const whole = host + rest;
  return whole.length > LABEL_MAX ? `${whole.slice(0, LABEL_MAX - 1)}…` : whole;
}

function webLinks(text: string): Link[] {
  const found: Link[] = [];
  for (const match of text.matchAll(CANDIDATE)) {
    const written = trim(match[0]);
    const address = /^www\./iu.test(written) ? `https://${written}` : written;
    const host = authority(address);
    // A name and password before the host are there to mislead.
    if (host.length > AUTHORITY_MAX || host.includes('@') || !URL.canParse(address)) continue;
    const url = new URL(address);
    found.push({
      start: match.index,
      end: match.index + written.length,
      href: url.href,
      host: reads(host, url.hostname) ? null : url.hostname,
    });
  }
  return found;
}

/** Longer names and hosts have no mail. */
const MAIL_MAX = 64;
const MAIL_NAME = /[a-z0-9.!#$%&'*+/=?^_{|}~-]/i;
const MAIL_HOST = /^(?:[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?\.){1,4}[a-z]{2,24}(?![a-z0-9@-])/i;

function mailLinks(text: string): Link[] {
  const found: Link[] = [];
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    let start = at;
    while (start > 0 && at - start < MAIL_MAX && MAIL_NAME.test(text.charAt(start - 1))) start -= 1;
    // What marks a text may stand before an address, but begins none.
    while (start < at && /[^a-z0-9]/i.test(text.charAt(start))) start += 1;
    const host = MAIL_HOST.exec(text.slice(at + 1, at + 1 + 2 * MAIL_MAX))?.[0];
    if (start === at || host === undefined || !/^$|[\s([{<"'*_~,;]/u.test(text.charAt(start - 1))) continue;
    const end = at + 1 + host.length;
    found.push({ start, end, href: `mailto:${encodeURI(text.slice(start, end))}`, host: null });
  }
  return found;
}

/** The addresses in `text`, in their order. */
export function links(text: string): Link[] {
  const web = webLinks(text);
  if (!text.includes('@')) return web;
  // What has an @ in its path is one address.
  let at = 0;
  const mail = mailLinks(text).filter(({ start, end }) => {
    while ((web[at]?.end ?? Number.POSITIVE_INFINITY) <= start) at += 1;
    return (web[at]?.start ?? Number.POSITIVE_INFINITY) >= end;
  });
  return [...web, ...mail].sort((a, b) => a.start - b.start);
}
