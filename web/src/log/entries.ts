// What a timeline is made of, and the little of it that the first screen needs too.

import type { Outgoing } from '../../client/src/index.js';

interface Base {
  key: string;
  /** Position over all epochs: grows down the log, with room between two for entries without an id. */
  order: number;
  at: number;
}

export interface MessageEntry extends Base {
  type: 'message';
  id: number | null;
  sender: string;
  userId: string | null;
  text: string;
  own: boolean;
  /** A program wrote it. */
  bot: boolean;
  mention: boolean;
  clientId: string | null;
  /** When the text was last edited; null if it never was. */
  editedAt: number | null;
  /** The message is gone: only its place is left, and only while an answer to it is there. */
  deleted: boolean;
  /** Id of the message that this one answers. */
  replyTo: number | null;
  reactions: readonly Reaction[];
}

/** People who reacted with one emoji. */
export interface Reaction {
  emoji: string;
  count: number;
  /** The reader is one of them. */
  mine: boolean;
}

export interface NoticeEntry extends Base {
  type: 'notice';
  kind: 'joined' | 'left' | 'removed' | 'renamed' | 'other';
  username: string;
  userId: string | null;
  /** `renamed`: the name before. */
  before: string;
  text: string;
}

export interface GapEntry extends Base {
  type: 'gap';
  /** The messages after this id are not loaded; without it they are lost. */
  after?: number;
}

export type Entry = MessageEntry | NoticeEntry | GapEntry;

export interface Timeline {
  entries: readonly Entry[];
  pending: readonly Outgoing[];
  /** Whether the server may have older messages. */
  more: boolean;
  /** The room was entered at least once: what is not here is not there. */
  loaded: boolean;
  epoch: number;
  /** What orders of the present epoch start from. */
  base: number;
}

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
