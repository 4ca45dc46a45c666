// Which part of a room's entries is in the page. Ten thousand rows are unusable, a few hundred are instant: at the end
// of the log the newest are shown, and further up a window moves along with the reader.

import { type Signal, signal } from '@preact/signals';
import { indexOf } from '../log/entries';
import type { Entry } from '../log/timeline';
import type { Store } from './store';

/** Entries shown at the end of the log. */
export const WINDOW = 200;
/** Entries shown further up: what is beyond them is out of view, and not in the page. */
export const WINDOW_MAX = 400;
const STEP = 100;

export class LogWindow {
  /** Order of the first entry shown; null: the last WINDOW entries. */
  readonly from: Signal<number | null> = signal(null);

  /** Start and end index of what is shown. */
  range(entries: readonly Entry[]): [number, number] {
    const from = this.from.value;
    if (from === null) return [Math.max(0, entries.length - WINDOW), entries.length];
    const start = indexOf(entries, from);
    return [start, Math.min(entries.length, start + WINDOW_MAX)];
  }

  /** Back to the end of the log. */
  reset(): void {
    this.from.value = null;
  }

  /** The reader left the end: what is shown stays. */
  hold(entries: readonly Entry[]): void {
    if (this.from.value === null) this.#startAt(entries, this.range(entries)[0]);
  }

  /** Shows more above; false where there is no more in memory. */
  up(entries: readonly Entry[]): boolean {
    const [start] = this.range(entries);
    if (start === 0) return false;
    this.#startAt(entries, Math.max(0, start - STEP));
    return true;
  }

  /** Shows older entries: from memory, else from the server. */
  async older(store: Store): Promise<void> {
    const before = store.room.timeline.value.entries;
    this.hold(before);
    if (this.up(before) || !(await store.room.older())) return;
    this.up(store.room.timeline.value.entries);
  }

  /** Shows more below; false where the end is shown. */
  down(entries: readonly Entry[]): boolean {
    const [start, end] = this.range(entries);
    if (end === entries.length) return false;
    this.#startAt(entries, start + Math.min(STEP, entries.length - end));
    return true;
  }

  /** Makes sure that the entry at `order` is shown. */
  reveal(entries: readonly Entry[], order: number): void {
    const at = indexOf(entries, order);
    const [start, end] = this.range(entries);
    if (at < start || at >= end) this.#startAt(entries, Math.max(0, at - STEP));
  }

  #startAt(entries: readonly Entry[], index: number): void {
    this.from.value = entries[index]?.order ?? null;
  }
}

/** The window of the room that is open. */
export const logWindow = new LogWindow();
