// Pages of a room's log that are not beside what is there: a message far back is shown with what is around it, and a
// mark stands where the messages between are not loaded.

import type { Entry, GapEntry, MessageEntry, Timeline } from './entries';
import { indexOf } from './entries';
import { withoutDeleted } from './timeline';

/** Holes stand between two ids. */
const BETWEEN = 0.5;

const isHole = (entry: Entry): entry is GapEntry => entry.type === 'gap' && entry.after !== undefined;

const hole = (timeline: Timeline, last: MessageEntry): GapEntry => ({
  type: 'gap',
  key: `hole:${timeline.epoch}:${last.order}`,
  order: last.order + BETWEEN,
  at: last.at,
  after: last.id ?? 0,
});

/**
 * Puts a page of history where it belongs: messages without one missing between them, oldest first. `more` says whether
 * there are older ones before it.
 */
export function insert(timeline: Timeline, page: readonly MessageEntry[], more: boolean): Timeline {
  const [first, last] = [page[0], page.at(-1)];
  if (!first || !last) return timeline;
  const old = timeline.entries;
  const within = old.filter(
    (entry) => entry.order >= first.order && entry.order <= last.order && !isHole(entry),
  );
  const next = old[indexOf(old, last.order + BETWEEN / 2)];
  const newest = within.at(-1);
  // What follows is known to follow if the page reaches what is there, and no hole comes after that.
  const joins =
    newest &&
    !old.some((entry) => isHole(entry) && entry.order > newest.order && entry.order <= (next?.order ?? 0));
  const known = new Set(within.map(({ order }) => order));
  const kept = old.filter(
    (entry) => !isHole(entry) || entry.order < first.order || entry.order > last.order + BETWEEN,
  );
  const added: Entry[] = page.filter(({ order }) => !known.has(order));
  if (next && !joins) added.push(hole(timeline, last));
  const entries = withoutDeleted([...kept, ...added].sort((a, b) => a.order - b.order));
  return { ...timeline, entries, more: old[0] && old[0].order < first.order ? timeline.more : more };
}

/** Puts the page that follows a hole into it; `more` says whether messages after the page are missing. */
export function fill(
  timeline: Timeline,
  at: GapEntry,
  page: readonly MessageEntry[],
  more: boolean,
): Timeline {
  const rest = timeline.entries.filter((entry) => entry.key !== at.key);
  const next = rest[indexOf(rest, at.order)];
  const fits = page.filter(
    ({ order }) => order > at.order && order < (next?.order ?? Number.POSITIVE_INFINITY),
  );
  const last = fits.at(-1);
  const added: Entry[] = [...fits];
  if (last && more && fits.length === page.length) added.push(hole(timeline, last));
  const entries = withoutDeleted([...rest, ...added].sort((a, b) => a.order - b.order));
  return { ...timeline, entries };
}
