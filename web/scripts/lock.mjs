// Guards package-lock.json: it names no registry, and every licence in it is one that we may ship or build with.

import { readFileSync } from 'node:fs';

const ALLOWED = new Set([
  'MIT',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'Apache-2.0',
  '0BSD',
  'CC0-1.0',
  'BlueOak-1.0.0',
  'MPL-2.0',
  'Python-2.0',
  'MIT OR Apache-2.0',
]);

/** Packages whose package.json states none, with what their LICENSE file says. */
const UNSTATED = { 'node_modules/xmlhttprequest-ssl': 'MIT' };

const text = readFileSync('package-lock.json', 'utf8');
const { packages } = JSON.parse(text);
const faults = Object.entries(packages).flatMap(([name, entry]) => [
  ...('resolved' in entry ? [`${name}: has "resolved"`] : []),
  ...(name !== '' && !('integrity' in entry) ? [`${name}: has no integrity`] : []),
  ...(name !== '' && !ALLOWED.has(entry.license ?? UNSTATED[name])
    ? [`${name}: licence ${entry.license}`]
    : []),
]);
if (
  /https?:\/\/(?!(www\.)?(github\.com|opencollective\.com|paypal\.|tidelift\.com|patreon\.com))[^"]*registry/.test(
    text,
  )
) {
  faults.push('a registry address');
}
for (const fault of faults) console.error(fault);
console.log(`${Object.keys(packages).length} packages, ${faults.length} faults`);
process.exit(faults.length === 0 ? 0 : 1);
