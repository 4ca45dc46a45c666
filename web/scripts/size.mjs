// Prints what the built page weighs and fails where the first load is over its budget. Budgets are brotli bytes.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const BUDGET = { js: 30_000, css: 4_000, total: 40_000, requests: 5 };
const dist = process.argv[2] ?? 'dist';

const size = (path) => statSync(path).size;
const html = readFileSync(join(dist, 'index.html'), 'utf8');
const linked = [...html.matchAll(/(?:src|href)="(\/[^"]+)"/g)]
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

function walk(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? walk(path) : [path];
  });
}

const sum = { js: 0, css: 0, total: 0, requests: 0 };
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
  console.log(`${(first.has(name) ? '* ' : '  ') + name.padEnd(30)} ${cells.join(' ')}`);
  if (!first.has(name)) continue;
  sum.total += brotli;
  sum.requests += 1;
  if (name.endsWith('.js')) sum.js += brotli;
  if (name.endsWith('.css')) sum.css += brotli;
}

console.log('* = first load\n');
let over = false;
for (const [what, limit] of Object.entries(BUDGET)) {
  const bad = sum[what] > limit;
  over ||= bad;
  console.log(`${what.padEnd(9)} ${String(sum[what]).padStart(6)} of ${limit}${bad ? '  OVER BUDGET' : ''}`);
}
process.exit(over ? 1 : 0);
