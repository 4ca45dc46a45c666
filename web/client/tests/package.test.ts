// @vitest-environment node
// The package as its users get it: packed, installed elsewhere, type-checked under `nodenext`, and run by node.

import { execFileSync, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

const here = join(import.meta.dirname, '..');
const modules = join(here, '../node_modules');
const project = mkdtempSync(join(tmpdir(), 'hubbub-client-'));
const installed = join(project, 'node_modules/hubbub-client');

beforeAll(() => {
  const [{ filename }] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--offline', '--pack-destination', project], {
      cwd: here,
      encoding: 'utf8',
    }),
  );
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['-xzf', join(project, filename), '-C', installed, '--strip-components=1']);
  // Its only dependency, with what that needs.
  for (const name of readdirSync(modules).filter((name) =>
    /socket\.io|engine\.io|^ws$|debug|^ms$/.test(name),
  )) {
    symlinkSync(join(modules, name), join(project, 'node_modules', name));
  }
  writeFileSync(join(project, 'package.json'), JSON.stringify({ type: 'module' }));
}, 30_000);
afterAll(() => rmSync(project, { recursive: true }));

const USE = `
import { createClient, HubbubError, type ReceiveMessage, type Room } from 'hubbub-client';

const client = createClient('http://127.0.0.1:9');
const stop: () => void = client.on('rooms', (rooms) => rooms.map(({ name, count }) => [name, count]));
client.once('connection', ({ phase }) => phase === 'online');
const listener = (activity: { rooms: Record<string, number> }) => activity.rooms;
client.on('activity', listener);
client.off('activity', listener);
export async function use(): Promise<readonly [number, string[]]> {
  const room: Room = await client.join('tech', 'Ada');
  room.on('message', ({ message }: { message: ReceiveMessage }) => message.text);
  // @ts-expect-error There is no such event.
  room.on('mesage', () => {});
  const { id } = await room.send('hello');
  return [id ?? client.rooms.length, room.users.map(({ username }) => username)];
}
stop();
try {
  await client.join('tech', 'Ada', { timeoutMs: 50 });
} catch (error) {
  if (error instanceof HubbubError) console.log(error.code);
}
client.close();
`;

it.each(['nodenext', 'bundler'])(
  'its types work under moduleResolution %s',
  (resolution) => {
    writeFileSync(join(project, 'use.ts'), USE);
    const module = resolution === 'bundler' ? 'esnext' : resolution;
    const options = ['--strict', '--noEmit', '--target', 'es2022', '--module', module];
    const check = spawnSync(
      join(modules, '.bin/tsc'),
      [...options, '--moduleResolution', resolution, 'use.ts'],
      {
        cwd: project,
        encoding: 'utf8',
      },
    );
    expect([check.stdout, check.status]).toEqual(['', 0]);
  },
  30_000,
);

it('node runs it, and ends when the client is closed', () => {
  const code = USE.replace(/^export async function[\s\S]*?^}/m, '')
    .replace(', type ReceiveMessage, type Room', '')
    .replace(': () => void', '')
    .replace(': { rooms: Record<string, number> }', '');
  writeFileSync(join(project, 'use.mjs'), code);
  expect(execFileSync('node', ['use.mjs'], { cwd: project, encoding: 'utf8', timeout: 10_000 })).toBe(
    'timeout\n',
  );
});

it('holds its modules, their types, how to use it, and nothing else', () => {
  const files = readdirSync(installed, { recursive: true }).map(String);
  const others = files.filter((name) => !/^dist(\/[a-z]+(\.d)?\.[jt]s)?$/.test(name));
  expect(others.sort()).toEqual(['README.md', 'package.json']);
});

it('has the version of the service', () => {
  const { version } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
  const cargo = readFileSync(join(here, '../../Cargo.toml'), 'utf8');
  expect(/^version = "([^"]+)"/m.exec(cargo)?.[1]).toBe(version);
});
