// What the admin page calculates and writes, without a page.

import { describe, expect, it, test } from 'vitest';
import { concerns, setTo } from './Audit';
import { at, pathWith } from './api';
import { bytes, duration, left, number, when } from './format';
import { curl } from './IncomingHooks';
import { hrefOf, parse } from './router';
import { ceiling, line, minutes, Samples, spanOf, summaryOf, WINDOW_MS } from './samples';
import type { AuditLine, Stats } from './types';
import { roomsIn } from './Webhooks';

const stats = (given: Partial<Stats>): Stats => ({
  version: '1',
  uptime_s: 10,
  ready: true,
  store: 'memory',
  connections: 1,
  connections_max: 0,
  members: 1,
  messages: 0,
  deliveries: 0,
  lag: 0,
  slow_readers_closed: 0,
  held_bytes: 100,
  held_bytes_max: 0,
  panics: 0,
  rejected: {},
  ...given,
});

/** Adds what a process answers that has been running since long before. */
const add = (samples: Samples, given: Partial<Stats>, at: number) =>
  samples.add(stats({ uptime_s: 1000 + at / 1000, ...given }), at);

describe('samples', () => {
  it('are rates of counters, from the second reading on', () => {
    const samples = new Samples();
    add(samples, { messages: 10 }, 1000);
    expect(samples.list).toEqual([]);
    add(samples, { messages: 16, deliveries: 60, connections: 5 }, 4000);
    expect(samples.list).toEqual([
      { at: 4000, connections: 5, messages: 2, deliveries: 20, lag: 0, memory: 100, held: 100 },
    ]);
  });

  it('begin again after a restart, and are never negative', () => {
    const samples = new Samples();
    samples.add(stats({ messages: 1000, uptime_s: 100 }), 1000);
    samples.add(stats({ messages: 3, uptime_s: 1 }), 4000);
    expect(samples.list).toEqual([]);
    samples.add(stats({ messages: 6, uptime_s: 4 }), 7000);
    expect(samples.list.map(({ messages }) => messages)).toEqual([1]);
  });

  it('have no rate between two processes that answer in turn', () => {
    const samples = new Samples();
    for (let i = 0; i < 4; i += 1)
      samples.add(stats({ messages: i % 2 ? 5000 : 1, uptime_s: (i % 2 ? 1000 : 50) + i * 3 }), i * 3000);
    expect(samples.list).toEqual([]);
  });

  it('go back fifteen minutes, and are bounded whatever the pace', () => {
    const samples = new Samples();
    for (let i = 0; i <= 2000; i += 1) add(samples, { messages: i }, i * 1000);
    expect(samples.list.length).toBe(600);
    add(samples, { messages: 2001 }, 2_000_000 + WINDOW_MS + 1);
    expect(samples.list.length).toBe(1);
  });

  it('have a summary, means of minutes, and a line that ends at the right', () => {
    const samples = new Samples();
    for (let i = 0; i <= 4; i += 1) add(samples, { connections: i }, i * 30_000);
    expect(summaryOf(samples.list, 'connections')).toEqual({ now: 4, least: 1, most: 4 });
    expect(summaryOf([], 'lag')).toBeNull();
    expect(minutes(samples.list).map(({ at, connections }) => [at, connections])).toEqual([
      [120_000, 4],
      [60_000, 2.5],
      [0, 1],
    ]);
    const box = { width: 300, height: 100 };
    expect(line(samples.list, 'connections', 4, box)).toBe('M75.0 75.0L150.0 50.0L225.0 25.0L300.0 0.0');
    expect([spanOf([]), spanOf(samples.list)]).toEqual([1, 2]);
    expect(line([], 'connections', 4, box)).toBe('');
  });

  test.each([
    [0, 1],
    [1, 1],
    [3, 5],
    [11, 20],
    [99, 100],
    [5000, 5000],
    [5001, 10_000],
  ])('a scale for %i ends at %i', (value, top) => expect(ceiling(value)).toBe(top));
});

test('figures are written for people', () => {
  expect([number(0.25), number(9.95), number(12.6)]).toEqual(['0.3', '10', '13']);
  expect([bytes(0), bytes(1536), bytes(134_217_728), bytes(2 ** 52)]).toEqual([
    '0 B',
    '1.5 KiB',
    '128 MiB',
    '4,096 TiB',
  ]);
  expect([duration(0), duration(61), duration(86_400), duration(180_000)]).toEqual([
    '0 seconds',
    '1 minute 1 second',
    '1 day',
    '2 days 2 hours',
  ]);
  const now = Date.parse('2026-05-01T12:00:00Z');
  expect(left('2026-05-01T13:00:00Z', now)).toBe('1 hour left');
  expect(left('2026-05-01T11:00:00Z', now)).toBe('');
  expect(when('no time')).toBe('no time');
  expect(when('2020-05-01T12:00:00Z', now)).toContain('2020');
});

test('an address names a section, and something in it, whatever it is called', () => {
  expect(parse('')).toEqual({ section: 'overview', item: '' });
  expect(parse('#rooms')).toEqual({ section: 'rooms', item: '' });
  expect(parse(hrefOf('rooms', 'a/b c#d%'))).toEqual({ section: 'rooms', item: 'a/b c#d%' });
  expect(parse('#rooms/%zz')).toEqual({ section: 'rooms', item: '%zz' });
  for (const strange of ['#nothing', '#constructor', '#token=x', '#__proto__'])
    expect(parse(strange).section).toBe('overview');
});

test('paths of the API take any name', () => {
  expect(at('rooms', 'a/b?c')).toBe('rooms/a%2Fb%3Fc');
  expect(pathWith('bans', { after: 'ban:a&b', limit: 5 })).toBe('bans?after=ban%3Aa%26b&limit=5');
  expect(pathWith('bans', { after: undefined })).toBe('bans');
});

test('rooms are given as people write them', () => {
  expect(roomsIn(' #tech, general ,,')).toEqual(['tech', 'general']);
  expect(roomsIn('')).toEqual([]);
});

test('the command for an incoming address works below a prefix', () => {
  expect(curl('https://chat.example', '/chat/', '/api/hooks/abc')).toContain(
    "'https://chat.example/chat/api/hooks/abc'",
  );
});

test('a line of the audit log concerns who did it and whom it was done to', () => {
  const entry: AuditLine = { id: 1, at: '', action: 'ban', actor: 'a1', actor_name: 'Mo', user_id: 'b2' };
  expect([concerns(entry, 'mo'), concerns(entry, 'b2'), concerns(entry, 'x')]).toEqual([true, true, false]);
});

test.each([
  ['lock', 'off', 'Opened'],
  ['slow_mode', '120', 'One message every 2 min'],
  ['slow_mode', '0', 'Off'],
  ['topic', '', 'No topic any more'],
  ['revoke', 'revoked-token/1', 'revoked-token/1'],
])('%s to %s is shown as %s', (action, value, shown) => {
  expect(setTo({ id: 1, at: '', actor: '', action, value })).toBe(shown);
});
