// People whom the reader does not want to read. Nobody else learns of it: their messages are left out here, in this
// browser, by their user id.

import { prefs } from './prefs';

/** More are not remembered: the oldest is forgotten first. */
const IGNORED_MAX = 200;

export const isIgnored = (userId: string | null) => userId !== null && userId in prefs.ignored.value;

/** Ignores somebody, or no longer. The name is for the list of those who are ignored. */
export function ignore(userId: string, name: string, on: boolean): void {
  const { [userId]: _, ...others } = prefs.ignored.value;
  const kept = Object.entries(others).slice(-IGNORED_MAX + 1);
  prefs.ignored.value = Object.fromEntries(on ? [...kept, [userId, name]] : Object.entries(others));
}
