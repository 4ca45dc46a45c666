// What a chat needs before its first `join`: a page fetches it while the name is being typed.

import type { Membership } from './membership.js';
import type { Parking } from './parking.js';

export interface RoomParts {
  Membership: typeof Membership;
  Parking: typeof Parking;
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
