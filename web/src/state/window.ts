// Which part of a room's entries is in the page. Ten thousand rows are unusable, two hundred are instant: the
// window grows upwards as the reader scrolls, and shrinks only at the end, where nothing can jump.

import { type Signal, signal } from '@preact/signals';
import { indexOf } from './entries';
import type { Store } from './store';
import type { Entry } from './timeline';

export const WINDOW = 200;
const STEP = 100;
/** A reader who stays further up gets no more rows at the end than this; the rest comes when scrolled to. */
const FROZEN_MAX = 400;

export interface Bounds {
  /** Order of the first entry shown; null: the last WINDOW entries. */
  from: number | null;
  /** Order of the last entry shown; null: the end. */
  to: number | null;
}

export class LogWindow {
  readonly bounds: Signal<Bounds> = signal({ from: null, to: null });

  /** Start and end index of what is shown. */
  range(entries: readonly Entry[]): [number, number] {
    const { from, to } = this.bounds.value;
    const end = to === null ? entries.length : Math.min(entries.length, indexOf(entries, to) + 1);
    const start = from === null ? Math.max(0, end - WINDOW) : Math.min(indexOf(entries, from), end);
    return [start, end];
  }

  /** Back to the end of the log. */
  reset(): void {
    const { from, to } = this.bounds.value;
    if (from !== null || to !== null) this.bounds.value = { from: null, to: null };
  }

  /** The reader left the end: what is shown stays. */
  hold(entries: readonly Entry[]): void {
    const { from, to } = this.bounds.value;
    const [start, end] = this.range(entries);
    const first = from ?? entries[start]?.order ?? null;
    const last = to === null && end - start > FROZEN_MAX ? (entries[end - 1]?.order ?? null) : to;
    if (first !== from || last !== to) this.bounds.value = { from: first, to: last };
  }

  /** Shows more above; false where there is no more in memory. */
  up(entries: readonly Entry[]): boolean {
    const [start] = this.range(entries);
    if (start === 0) return false;
    this.bounds.value = { ...this.bounds.value, from: entries[Math.max(0, start - STEP)]?.order ?? null };
    return true;
  }

  /** Shows older entries: from memory, else from the server. */
  async older(store: Store): Promise<void> {
    const before = store.timeline.value.entries;
    this.hold(before);
    if (this.up(before) || !(await store.older())) return;
    const first = store.timeline.value.entries[0];
    if (first) this.reveal(first.order);
  }

  /** Shows more below; false where the end is shown. */
  down(entries: readonly Entry[]): boolean {
    if (this.bounds.value.to === null) return false;
    const [, end] = this.range(entries);
    const next = entries[end - 1 + STEP]?.order ?? null;
    this.bounds.value = { ...this.bounds.value, to: next };
    return true;
  }

  /** Makes sure that the entry at `order` is shown. */
  reveal(order: number): void {
    const { from } = this.bounds.value;
    if (from === null || order < from) this.bounds.value = { ...this.bounds.value, from: order };
  }
}

/** The window of the room that is open. */
export const logWindow = new LogWindow();
