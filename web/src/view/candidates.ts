// What a word that is being written may become: names of people.

import type { User } from '../../client/src/index.js';
import { compare } from '../i18n';

const SHOWN = 6;
/** Longer than a name may be. */
const REACH = 64;

/**
 * What stands between an @ and the caret, on one line and spaces included; null where there is no @. A sentence is no
 * name: it has no candidates.
 */
export function wordAt(text: string, caret: number): string | null {
  const line = text.slice(Math.max(0, caret - REACH), caret);
  const at = line.lastIndexOf('@');
  const free = at === 0 ? caret <= REACH : /[\s(]/u.test(line.charAt(at - 1));
  const word = line.slice(at + 1);
  return at < 0 || !free || /^\s|\n/u.test(word) ? null : word;
}

/** What stands between a colon and the caret, as the name of an emoji; null where there is none. */
export function emojiAt(text: string, caret: number): string | null {
  return (
    /(?:^|[\s(]):([a-z0-9_+-]{2,24})$/iu.exec(text.slice(Math.max(0, caret - REACH), caret))?.[1] ?? null
  );
}

/** The name of a command that is being written; null where there is none. */
export function commandAt(text: string, caret: number): string | null {
  return /^\/([a-z]*)$/i.exec(text.slice(0, Math.min(caret, REACH)))?.[1] ?? null;
}

/** Without case and accents, so that @zoe finds Zoë. */
const folded = (text: string) =>
  text.normalize('NFKD').replace(/\p{M}/gu, '').toLocaleLowerCase().replace(/\s+/gu, ' ');

/** How well a name fits what was typed: 0 as its beginning, 1 as the beginning of one of its words, 2 within; null not at all. */
function rankOf(name: string, word: string): number | null {
  let best: number | null = null;
  for (let at = name.indexOf(word); at >= 0 && best !== 1; at = name.indexOf(word, at + 1)) {
    if (at === 0) return 0;
    best = /[\p{L}\p{N}]/u.test(name.charAt(at - 1)) ? 2 : 1;
  }
  return best;
}

/** The people whose name has `word` in it, the likeliest first. Behind a complete name and a space there are none. */
export function candidates(people: readonly User[], word: string): User[] {
  const wanted = folded(word);
  const named = people.map((user) => ({ user, name: folded(user.username) }));
  if (named.some(({ name }) => wanted === `${name} `)) return [];
  return named
    .map(({ user, name }) => ({ user, rank: rankOf(name, wanted) ?? -1 }))
    .filter(({ rank }) => rank >= 0)
    .sort((a, b) => a.rank - b.rank || compare(a.user.username, b.user.username))
    .slice(0, SHOWN)
    .map(({ user }) => user);
}
