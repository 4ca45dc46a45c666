// Prints what the built page weighs and fails where it is over a budget. Budgets are brotli bytes: one for what is
// loaded before the first screen is usable, one for the room with all of its dialogs, one for the admin page. What few
// people use is in none of them.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const FIRST = { js: 30_000, css: 4_000, total: 40_000, requests: 5 };
const ROOM = { 'with room': 75_000 };
const ADMIN = { 'admin page': 32_000 };
const dist = process.argv[2] ?? 'dist';

const size = (path) => statSync(path).size;
const html = readFileSync(join(dist, 'index.html'), 'utf8');
const linked = [...html.matchAll(/(?:src|href)="\.(\/[^"]+)"/g)]
  .map((match) => match[1])
  .filter((path) => path !== '/api.txt');
const first = new Set(['/index.html', ...linked]);
// A script's static imports are loaded with it; a Set goes on over what is added while it is walked.
for (const name of first) {
  if (!name.endsWith('.js')) continue;
  const code = readFileSync(join(dist, name), 'utf8');
  for (const match of code.matchAll(/(?:from|import)\s*["']\.\/([^"']+)["']/g))
    first.add(`/assets/${match[1]}`);
}
/** Fetched only by readers of that language. */
const language = /^\/assets\/(ar|de|es|fr)-/;
/** The admin page is one of its own, and shares no file. */
const ofAdmin = (name) => name === '/admin.html' || name.startsWith('/assets/admin-');
/** Fetched only by the few who open it. */
const rare = /^\/assets\/(Invite|Moderation|Picker|Sanction|emoji)-/;
const ofRoom = (name) =>
  name.startsWith('/assets/') && !language.test(name) && !rare.test(name) && !ofAdmin(name);

function walk(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? walk(path) : [path];
  });
}

const sum = { js: 0, css: 0, total: 0, requests: 0, 'with room': 0, 'admin page': 0 };
console.log('file                                 raw     gzip   brotli');
for (const path of walk(dist).filter((name) => !/\.(br|gz)$/.test(name))) {
  const name = path.slice(dist.length);
  const packed = (suffix) => {
    try {
      return size(path + suffix);
    } catch {
      return size(path);
    }
  };
  const brotli = packed('.br');
  const cells = [size(path), packed('.gz'), brotli].map((n) => String(n).padStart(8));
  const mark = first.has(name) ? '* ' : ofRoom(name) ? '+ ' : ofAdmin(name) ? '@ ' : '  ';
  console.log(`${(mark + name).padEnd(32)} ${cells.join(' ')}`);
  if (first.has(name) || ofRoom(name)) sum['with room'] += brotli;
  if (ofAdmin(name)) sum['admin page'] += brotli;
  if (!first.has(name)) continue;
  sum.total += brotli;
  sum.requests += 1;
  if (name.endsWith('.js')) sum.js += brotli;
  if (name.endsWith('.css')) sum.css += brotli;
}

console.log('* = first load, + = with the room, @ = the admin page\n');
const shared = [...first].filter(ofAdmin);
for (const name of shared) console.error(`the chat loads ${name}, which is a part of the admin page`);
const missing = [...first].filter((name) => !statSync(join(dist, name), { throwIfNoEntry: false }));
for (const name of missing) console.error(`index.html links ${name}, which was not built`);
let over = missing.length > 0 || shared.length > 0 || sum.js === 0 || sum['admin page'] === 0;
for (const [what, limit] of Object.entries({ ...FIRST, ...ROOM, ...ADMIN })) {
  const bad = sum[what] > limit;
  over ||= bad;
  console.log(`${what.padEnd(10)} ${String(sum[what]).padStart(6)} of ${limit}${bad ? '  OVER BUDGET' : ''}`);
}
process.exit(over ? 1 : 0);
