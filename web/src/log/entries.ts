// The little of timelines that the first screen needs too.

import type { Entry, Timeline } from './timeline';

export const EMPTY: Timeline = { entries: [], pending: [], more: false, loaded: false, epoch: 0, base: 0 };

/** Index of the first entry at or behind `order`. */
export function indexOf(entries: readonly Entry[], order: number): number {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((entries[middle]?.order ?? 0) < order) low = middle + 1;
    else high = middle;
  }
  return low;
}
