// Writes src/text/look-alikes.ts: characters that look like Latin letters or digits, from Unicode's own list.
//
//   node scripts/look-alikes.mjs confusables.txt     (https://www.unicode.org/Public/security/latest/confusables.txt)

import { readFileSync, writeFileSync } from 'node:fs';

/** Small forms of capitals that the list leaves out because they are smaller, which a reader of one name does not see. */
const SMALL_CAPITALS = {
  a: 'ᴀ', b: 'ʙв', d: 'ᴅ', e: 'ᴇεє', f: 'ꜰ', g: 'ɢ', h: 'ʜн', j: 'ᴊ', k: 'ᴋкκ', l: 'ʟ', m: 'ᴍм', n: 'ɴп',
  p: 'ᴘ', r: 'ʀя', t: 'ᴛтτ', u: 'μ', w: 'ω',
}; // biome-ignore format: a table

const hex = (codes) =>
  codes
    .trim()
    .split(/\s+/)
    .map((code) => String.fromCodePoint(Number.parseInt(code, 16)))
    .join('');

const prototypes = new Map();
for (const line of readFileSync(process.argv[2], 'utf8').split('\n')) {
  const [from, to] = line
    .replace(/^\uFEFF/, '')
    .replace(/#.*/, '')
    .split(';');
  if (to) prototypes.set(hex(from), hex(to));
}

const letters = (text) => text.normalize('NFKD').replace(/[^\p{L}\p{N}]/gu, '');
const latin = new Map();
const add = (look, character) => latin.set(look, (latin.get(look) ?? '') + character);
for (const [character, prototype] of prototypes) {
  // What decomposes does so before the table is asked.
  if (character < '\u0080' || letters(character) !== character) continue;
  const look = letters([...prototype].map((c) => (c < '\u0080' ? c : (prototypes.get(c) ?? c))).join(''));
  if (/^[a-z0-9]+$/i.test(look)) add(look.toLowerCase(), character);
}
for (const [look, characters] of Object.entries(SMALL_CAPITALS)) {
  for (const character of characters) if (!latin.get(look).includes(character)) add(look, character);
}

const rows = [...latin]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([look, characters]) => `${look} ${characters}`);
writeFileSync(
  new URL('../src/text/look-alikes.ts', import.meta.url),
  `// Made by scripts/look-alikes.mjs from Unicode's confusables.txt: do not edit. Each row is what characters look like,
// in Latin letters or digits, and those characters.

// biome-ignore format: a table
export const LOOK_ALIKES =
${rows
  .map((row) => `  '${row}\\n' +`)
  .join('\n')
  .replace(/\\n' \+$/, "';")}
`,
);
