// How long a message may be, and what its writer is told about that.

import { t } from '../i18n';
import type { Store } from '../state/store';
import { type Left, roomLeft } from '../text/room-left';

const DEFAULT_MAX = 2000;
/** So many times as much as may be sent can be pasted, to be shortened then; browsers are slow with very long texts. */
const DRAFT_TIMES = 4;

/** How much a field takes. */
export function draftMax(store: Store): number {
  const limits = store.connection.session.value?.limits;
  return limits?.message_max_chars
    ? limits.message_max_chars * DRAFT_TIMES
    : limits?.message_max_bytes || DEFAULT_MAX * DRAFT_TIMES;
}

/** What is left of the limit once it matters. */
export function remaining(said: string, store: Store): Left | null {
  const limits = store.connection.session.value?.limits;
  const chars = limits ? limits.message_max_chars : DEFAULT_MAX;
  return roomLeft(said, { chars, bytes: limits?.message_max_bytes ?? 0 });
}

/** What the writer is told about the length. */
export function lengthHint(left: Left | null): string {
  if (left === null) return '';
  if (left.n >= 0) return t(left.unit === 'chars' ? 'left_chars' : 'left_bytes', { n: left.n });
  return t(left.unit === 'chars' ? 'tooLong' : 'tooLarge', { n: -left.n });
}
