// How the page gets into the binary: without Node, with a finished build, and without a trace in the source tree.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const root = new URL('../..', import.meta.url).pathname;
const target = process.env.CARGO_TARGET_DIR ?? join(root, 'target');
const out = mkdtempSync(join(tmpdir(), 'hubbub-build-'));
after(() => rmSync(out, { recursive: true }));

/** The newest compiled build script. */
function script() {
  const folder = join(target, 'debug/build');
  const found = readdirSync(folder)
    .filter((name) => name.startsWith('hubbub-'))
    .map((name) => join(folder, name, 'build-script-build'))
    .filter((path) => statSync(path, { throwIfNoEntry: false }))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  assert.ok(found[0], 'build the crate first');
  return found[0];
}

function run(env) {
  return spawnSync(script(), {
    env: { OUT_DIR: out, CARGO_MANIFEST_DIR: root, CARGO_FEATURE_WEB: '1', PATH: '/nonexistent', ...env },
    encoding: 'utf8',
  });
}

test('without Node the error names the three remedies', () => {
  const { status, stderr } = run({});
  assert.notEqual(status, 0);
  for (const remedy of ['Node 20.19', '--no-default-features', 'HUBBUB_WEB_DIST']) assert.match(stderr, new RegExp(remedy));
});

test('a finished build needs no Node', () => {
  const dist = join(out, 'dist');
  cpSync(join(root, 'web/public'), dist, { recursive: true });
  assert.notEqual(run({ HUBBUB_WEB_DIST: dist }).status, 0, 'a folder without index.html is refused');
  writeFileSync(join(dist, 'index.html'), '<!doctype html>');
  assert.equal(run({ HUBBUB_WEB_DIST: dist }).status, 0);
  assert.match(readFileSync(join(out, 'assets.rs'), 'utf8'), /path: "\/index.html"/);
});

test('without the feature nothing is built', () => {
  const { status, stdout } = run({ CARGO_FEATURE_WEB: undefined });
  assert.equal(status, 0);
  assert.equal(stdout.trim(), 'cargo::rerun-if-changed=build.rs');
});

test('building leaves the source tree as it was', () => {
  const state = () => execFileSync('git', ['status', '--porcelain', '--ignored', 'web'], { cwd: root, encoding: 'utf8' });
  const before = state();
  const { status, stderr } = run({ PATH: process.env.PATH, HOME: process.env.HOME });
  assert.equal(status, 0, stderr);
  assert.equal(state(), before);
});
