// @vitest-environment node
// The wire types are the server's: they are generated from its source, and this is where a difference shows.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { generate } from '../../scripts/wire-types.mjs';

it('protocol.ts is what `npm run wire` makes of the server’s src/protocol', () => {
  const written = readFileSync(join(import.meta.dirname, '../src/protocol.ts'), 'utf8');
  expect(written, 'run `npm run wire`').toBe(generate());
});
