// What a name looks like, so that two people whose names a reader could take for one another are told apart.
//
// Covered: case, width and other compatibility forms (`Ａｄａ`, `𝐀𝐝𝐚`, `ᴬᵈᵃ`), accents and strokes (`Àdá`, `Ađa`),
// invisible characters, spaces, punctuation, symbols and emoji (`A-da`, `Ada ✔`), the characters of all scripts that
// look like Latin letters or digits by UTS #39 (Cyrillic, Greek, Armenian, Cherokee, Coptic, Lisu, …), and what looks
// alike in most typefaces: `I l 1 |`, `0 O`, `rn m`, `vv w`. Not covered: look-alikes among characters that do not
// look like Latin ones (`Г` and `Γ`), and those of Chinese.

import { LOOK_ALIKES } from './look-alikes';

let latin: Map<string, string> | undefined;

function table(): Map<string, string> {
  if (latin) return latin;
  latin = new Map([['|', 'l']]);
  for (const row of LOOK_ALIKES.split('\n')) {
    const [look = '', characters = ''] = row.split(' ');
    for (const character of characters) latin.set(character, look);
  }
  return latin;
}

/** Without accents, and without what cannot be seen. */
const bare = (text: string) =>
  text.normalize('NFKD').replace(/[\p{M}\p{Cf}\p{Default_Ignorable_Code_Point}\s]/gu, '');

function form(name: string): string {
  const known = table();
  const mapped = Array.from(bare(name), (character) => known.get(character) ?? character);
  const small = bare(mapped.join('').toLowerCase());
  // A name of symbols only is what its symbols are.
  const letters = small.replace(/[^\p{L}\p{N}]/gu, '') || small;
  return letters.replace(/[i1]/g, 'l').replaceAll('0', 'o').replaceAll('rn', 'm').replaceAll('vv', 'w');
}

const CACHE_MAX = 2000;
const cache = new Map<string, readonly string[]>();

/**
 * How `name` looks in small letters and in capitals, because some characters look alike in one case only. Two names
 * look alike that have either in common.
 */
export function looks(name: string): readonly string[] {
  const known = cache.get(name);
  if (known) return known;
  const made = [`s${form(name.toLowerCase())}`, `c${form(name.toUpperCase())}`];
  if (cache.size >= CACHE_MAX) cache.clear();
  cache.set(name, made);
  return made;
}

export const lookAlike = (one: string, other: string) =>
  looks(one).some((look, i) => look === looks(other)[i]);
