// @vitest-environment node
// What decides about a log, and the client module, run without a page: neither these modules nor those they import
// name a view library.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, it } from 'vitest';

const src = join(import.meta.dirname, '..');

/** The libraries that `path` imports, and the modules that it imports import. Types are not part of what runs. */
function libraries(path: string, seen = new Set<string>()): string[] {
  if (seen.has(path)) return [];
  seen.add(path);
  const imports = readFileSync(path, 'utf8').matchAll(
    /^(?:import|export) (?!type\b)[^;]*?from '([^']+)'|^import '([^']+)'/gm,
  );
  return [...imports].flatMap(([, from, bare]) => {
    const name = from ?? bare ?? '';
    return name.startsWith('.')
      ? libraries(`${join(dirname(path), name.replace(/\.js$/, ''))}.ts`, seen)
      : [name];
  });
}

const modules = ['log', 'text', '../client/src'].flatMap((folder) =>
  readdirSync(join(src, folder))
    .filter((name) => name.endsWith('.ts') && !/\.(test|d)\.ts$/.test(name))
    .map((name) => relative(src, join(src, folder, name))),
);

it.each(modules)('%s needs no view library', (name) => {
  expect(libraries(join(src, name)).filter((library) => library !== 'socket.io-client')).toEqual([]);
});
