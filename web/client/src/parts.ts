// What a chat needs before its first `join`: a page fetches it while the name is being typed.

import type { Outbox } from './outbox.js';
import type { Parking } from './parking.js';
import type { Roster } from './roster.js';

export interface RoomParts {
  Outbox: typeof Outbox;
  Parking: typeof Parking;
  Roster: typeof Roster;
}

let parts: RoomParts | null = null;

/** Hands over the parts, for every chat. */
export function provideParts(given: RoomParts): void {
  parts = given;
}

export function roomParts(): RoomParts {
  if (!parts) throw new Error('provideParts() comes before join()');
  return parts;
}
