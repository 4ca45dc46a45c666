// Figures over time, made of the counters that `GET stats` answers. Pure: time comes from the caller.

import type { Stats } from './types';

/** How far back the charts go. */
export const WINDOW_MS = 15 * 60_000;
/** Most samples kept, whatever the pace. */
const SAMPLES_MAX = 600;

/** One moment. */
export interface Sample {
  at: number;
  connections: number;
  /** A second, since the sample before. */
  messages: number;
  deliveries: number;
  lag: number;
  /** Bytes. */
  memory: number;
  held: number;
}

export type Measure = Exclude<keyof Sample, 'at'>;

/** Two answers are of one process if its start is this close by both, in seconds: answers take their time. */
const SAME_START_S = 10;

const began = (stats: Stats, at: number) => at / 1000 - stats.uptime_s;

interface Reading {
  at: number;
  stats: Stats;
}

export class Samples {
  #last: Reading | null = null;
  #list: readonly Sample[] = [];

  get list(): readonly Sample[] {
    return this.#list;
  }

  add(stats: Stats, at: number): void {
    const last = this.#last;
    this.#last = { at, stats };
    // The first reading, and the first of a process that began at another time, say nothing about a rate. That is one
    // after a restart, or another one behind a load balancer.
    if (!last || at <= last.at || Math.abs(began(last.stats, last.at) - began(stats, at)) > SAME_START_S)
      return;
    const seconds = (at - last.at) / 1000;
    const rate = (now: number, before: number) => Math.max(0, now - before) / seconds;
    const sample = {
      at,
      connections: stats.connections,
      messages: rate(stats.messages, last.stats.messages),
      deliveries: rate(stats.deliveries, last.stats.deliveries),
      lag: stats.lag,
      memory: stats.resident_bytes ?? stats.held_bytes,
      held: stats.held_bytes,
    };
    const recent = this.#list.filter((old) => old.at > at - WINDOW_MS).slice(1 - SAMPLES_MAX);
    this.#list = [...recent, sample];
  }
}

export interface Summary {
  now: number;
  least: number;
  most: number;
}

export function summaryOf(samples: readonly Sample[], measure: Measure): Summary | null {
  const last = samples.at(-1);
  if (!last) return null;
  const values = samples.map((sample) => sample[measure]);
  return { now: last[measure], least: Math.min(...values), most: Math.max(...values) };
}

/** The means of each minute, newest first: the charts as a table. */
export function minutes(samples: readonly Sample[]): Sample[] {
  const groups = new Map<number, Sample[]>();
  for (const sample of samples) {
    const minute = Math.floor(sample.at / 60_000) * 60_000;
    groups.set(minute, [...(groups.get(minute) ?? []), sample]);
  }
  const means = [...groups].map(([at, group]) => {
    const mean = (measure: Measure) => group.reduce((sum, sample) => sum + sample[measure], 0) / group.length;
    return {
      at,
      connections: mean('connections'),
      messages: mean('messages'),
      deliveries: mean('deliveries'),
      lag: mean('lag'),
      memory: mean('memory'),
      held: mean('held'),
    };
  });
  return means.reverse();
}

/** The least round number that is not below `value`: where a chart's scale ends. */
export function ceiling(value: number): number {
  if (value <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= value) ?? 10;
  return step * power;
}

/** How many minutes a chart of these samples shows: few at first, so that there is something to see. */
export function spanOf(samples: readonly Sample[]): number {
  const age = (samples.at(-1)?.at ?? 0) - (samples[0]?.at ?? 0);
  return [1, 2, 5, 15].find((minutes) => age <= minutes * 60_000) ?? 15;
}

/** A chart's line, in a box of this size: time to the right, the newest at the end. */
export function line(
  samples: readonly Sample[],
  measure: Measure,
  top: number,
  { width, height }: { width: number; height: number },
): string {
  const end = samples.at(-1)?.at ?? 0;
  const span = spanOf(samples) * 60_000;
  const point = (sample: Sample) => {
    const x = width * (1 - (end - sample.at) / span);
    const y = height * (1 - Math.min(1, sample[measure] / top));
    return `${x.toFixed(1)} ${y.toFixed(1)}`;
  };
  return samples.length === 0 ? '' : `M${samples.map(point).join('L')}`;
}
