// Who is who: people whose names look alike are told apart by a tag, also those who have left and are here only with
// what they said. Colour and tag come from the user id, which nobody can choose.

import { computed, type ReadonlySignal } from '@preact/signals';
import type { User } from '../../client/src/index.js';
import type { Entry, MessageEntry } from '../log/timeline';
import type { Store } from '../state/store';
import { hue } from '../text/plain';
import { looks } from '../text/skeleton';

const TAG_MIN = 4;

export interface Who {
  /** Sets this person apart from others with such a name; empty where nobody has one. */
  tag(userId: string | null, name: string): string;
}

/** Shortest endings that set `ids` apart from one another. */
function endingLength(ids: ReadonlySet<string>): number {
  let length = TAG_MIN;
  const longest = Math.max(TAG_MIN, ...Array.from(ids, (id) => id.length));
  while (length < longest && new Set(Array.from(ids, (id) => id.slice(-length))).size < ids.size) length += 1;
  return length;
}

export function whoIsWho(users: readonly User[], entries: readonly Entry[]): Who {
  const owners = new Map<string, Set<string>>();
  const known = new Set<string>();
  const see = (userId: string | null, name: string) => {
    const key = `${userId} ${name}`;
    if (userId === null || name === '' || known.has(key)) return;
    known.add(key);
    for (const look of looks(name)) owners.set(look, (owners.get(look) ?? new Set()).add(userId));
  };
  for (const { user_id, username } of users) see(user_id, username);
  for (const entry of entries) {
    if (entry.type === 'message') see(entry.userId, entry.sender);
    else if (entry.type === 'notice') {
      see(entry.userId, entry.username);
      see(entry.userId, entry.before);
    }
  }
  const alike = [...owners.values()].filter((ids) => ids.size > 1);
  const length = endingLength(new Set(alike.flatMap((ids) => [...ids])));
  return {
    tag(userId, name) {
      if (userId === null) return '';
      const others = looks(name).some((look) => {
        const ids = owners.get(look);
        return ids && (ids.size > 1 || !ids.has(userId));
      });
      return others ? `#${userId.slice(-length)}` : '';
    },
  };
}

const ofStores = new WeakMap<Store, ReadonlySignal<Who>>();

/** Who is who in the room that is open. */
export function whoIn(store: Store): Who {
  const known = ofStores.get(store);
  if (known) return known.value;
  const entries = computed(() => store.room.timeline.value.entries);
  const made = computed(() => whoIsWho(store.room.users.value ?? [], entries.value));
  ofStores.set(store, made);
  return made.value;
}

/** The author of a message, with a tag where there are others of such a name. */
export const authorOf = (store: Store, { userId, sender }: MessageEntry) =>
  label(sender, whoIn(store).tag(userId, sender));

/** The colour of a person; of a name, where the server knows no user ids. */
export const hueOf = (userId: string | null, name: string) => hue(userId ?? name);

/** A name with its tag. */
export const label = (name: string, tag: string) => (tag ? `${name} ${tag}` : name);

/** The same within a sentence, which a name of another direction must not turn around. */
export const isolated = (name: string, tag: string) =>
  tag ? `\u2068${name}\u2069 \u2066${tag}\u2069` : `\u2068${name}\u2069`;
