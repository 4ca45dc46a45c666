// What the log shows, row by row: day lines, the line "New", messages grouped by author, notices folded into one.

import type { Outgoing } from '../../client/src/index.js';
import { dayOf } from '../i18n';
import type { Entry, GapEntry, MessageEntry, NoticeEntry } from '../log/timeline';
import { visible } from '../text/plain';

export type Row =
  | { kind: 'day'; key: string; at: number }
  | { kind: 'new'; key: string }
  | { kind: 'gap'; key: string; entry: GapEntry }
  | { kind: 'message'; key: string; entry: MessageEntry; head: boolean; item: Outgoing | null }
  | { kind: 'notices'; key: string; entries: NoticeEntry[]; folds: boolean };

const GROUP_MS = 5 * 60_000;

function sameGroup(before: MessageEntry | null, entry: MessageEntry): boolean {
  if (!before || entry.at - before.at >= GROUP_MS) return false;
  return before.userId === entry.userId && before.sender === entry.sender;
}

/** Comings and goings fold into one row. */
const folds = ({ kind }: NoticeEntry) => kind === 'joined' || kind === 'left';

function pendingEntry(item: Outgoing, name: string, userId: string | null): MessageEntry {
  return {
    type: 'message',
    key: item.clientId,
    order: Number.POSITIVE_INFINITY,
    at: item.createdAt,
    id: null,
    sender: name,
    userId,
    text: visible(item.text),
    own: true,
    bot: false,
    mention: false,
    clientId: item.clientId,
    editedAt: null,
    deleted: false,
    replyTo: item.replyTo ?? null,
    reactions: [],
  };
}

export interface RowsInput {
  entries: readonly Entry[];
  pending: readonly Outgoing[];
  newFrom: number | null;
  /** Whose messages are left out. */
  ignored?: (userId: string | null) => boolean;
  me: { name: string; userId: string | null };
}

export function rows({ entries, pending, newFrom, me, ignored }: RowsInput): Row[] {
  const made: Row[] = [];
  let day = 0;
  let before: MessageEntry | null = null;
  let drawn = false;
  const place = (entry: Entry, item: Outgoing | null) => {
    if (dayOf(entry.at) > day) {
      day = dayOf(entry.at);
      made.push({ kind: 'day', key: `day:${day}`, at: entry.at });
      before = null;
    }
    if (newFrom !== null && !drawn && entry.order >= newFrom && !item) {
      drawn = true;
      made.push({ kind: 'new', key: 'new' });
      before = null;
    }
    if (entry.type === 'message') {
      made.push({ kind: 'message', key: entry.key, entry, head: !sameGroup(before, entry), item });
      before = entry;
      return;
    }
    before = null;
    const last = made.at(-1);
    if (entry.type === 'gap') made.push({ kind: 'gap', key: entry.key, entry });
    else if (last?.kind === 'notices' && folds(entry) && last.folds) last.entries.push(entry);
    else made.push({ kind: 'notices', key: entry.key, entries: [entry], folds: folds(entry) });
  };
  for (const entry of entries) {
    if (entry.type !== 'message' || !ignored?.(entry.userId)) place(entry, null);
  }
  for (const item of pending) place(pendingEntry(item, me.name, me.userId), item);
  return made;
}
