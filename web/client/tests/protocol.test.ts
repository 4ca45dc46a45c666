// @vitest-environment node
// The wire types here and the server's are one contract in two languages: same events, same fields.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const here = import.meta.dirname;
const server = join(here, '../../../src');
const inbound = readdirSync(join(server, 'protocol')).map((name) => join(server, 'protocol', name));
const rust = [join(server, 'protocol.rs'), ...inbound].map((path) => readFileSync(path, 'utf8')).join('\n');
const types = readFileSync(join(here, '../src/protocol.ts'), 'utf8');

/** Field names of the block that `start` opens, to the closing brace of the same depth. */
function fields(source: string, start: string, field: string): string[] {
  const block = new RegExp(`^( *)${start} \\{\\n([\\s\\S]*?)\\n\\1\\}`, 'm').exec(source);
  if (!block) throw new Error(`no ${start}`);
  return [...(block[2] ?? '').matchAll(new RegExp(field, 'gm'))].map((match) => match[1] ?? '').sort();
}

const inRust = (name: string) => fields(rust, `(?:pub )?struct ${name}(?:<'a>)?`, '^ +(?:pub )?([a-z_]+): ');
const inTypes = (name: string) => fields(types, `export interface ${name}`, '^ +([a-z_]+)\\??: ');

it.each([
  ['RoomCount', 'RoomInfo'],
  ['Session', 'Session'],
  ['Limits', 'Limits'],
  ['ServerInfo', 'ServerInfo'],
  ['JoinConfirm', 'JoinConfirm'],
  ['ReceiveMessage', 'ReceiveMessage'],
  ['SystemMessage', 'SystemMessage'],
  ['User', 'User'],
  ['TypingState', 'TypingState'],
  ['Activity', 'Activity'],
  ['Gap', 'Gap'],
  ['Shutdown', 'Shutdown'],
  ['ErrorEvent', 'WireError'],
  ['SentBody', 'SentBody'],
  ['HistoryBody', 'HistoryBody'],
  ['UsersBody', 'UsersBody'],
  ['JoinWire', 'JoinRoom'],
  ['SendWire', 'SendMessage'],
  ['HistoryWire', 'GetHistory'],
  ['UsersWire', 'ListUsers'],
  ['Position', 'Position'],
])('the struct %s has the fields of the type %s', (struct, type) => {
  expect(inTypes(type)).toEqual(inRust(struct));
});

it('both name the same events', () => {
  const told = [...rust.matchAll(/pub const [A-Z_]+: &str = "([a-z_]+)";/g)].map((match) => match[1]).sort();
  expect(inTypes('ServerEvents')).toEqual(told);
  const taken = [...rust.matchAll(/Self::\w+ => "([a-z_]+)",/g)].map((match) => match[1]).sort();
  expect(inTypes('ClientEvents')).toEqual(taken);
});
