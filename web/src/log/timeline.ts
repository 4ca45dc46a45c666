// A room as the reader has it: entries in the room's order, and behind them what is not sent yet. Pure functions
// over values that are replaced, never changed, so that rows can be cached by identity.

import type {
  DeletedMessage,
  Gap,
  MessageChanged,
  Outgoing,
  ReceiveMessage,
  SystemMessage,
} from '../../client/src/index.js';
import { mentions } from '../text/mentions';
import { visible } from '../text/plain';
import type { Entry, MessageEntry, NoticeEntry, Timeline } from './entries';
import { indexOf } from './entries';

export type { Entry, GapEntry, MessageEntry, NoticeEntry, Reaction, Timeline } from './entries';
export { EMPTY } from './entries';
export { indexOf };

/** Entries kept of a room; and while somebody reads among the oldest of them, which then are kept. */
export const MEMORY_MAX = 5000;
export const HELD_MAX = 20_000;

export interface Reader {
  name: string;
  userId: string | null;
}

const lastOrder = (timeline: Timeline) => timeline.entries.at(-1)?.order ?? timeline.base;

/** Entries without an id come right behind what is there. */
function place(timeline: Timeline, id: number | undefined): { order: number; key: string } {
  const order = id === undefined ? lastOrder(timeline) + 1e-4 : timeline.base + id;
  return { order, key: `${timeline.epoch}:${order}` };
}

const timeOf = (written: string | undefined) => (written ? Date.parse(written) || null : null);

export function toMessage(
  timeline: Timeline,
  sent: ReceiveMessage | DeletedMessage,
  reader: Reader,
): MessageEntry {
  const message: ReceiveMessage = 'deleted' in sent ? { ...sent, sender: '', text: '' } : sent;
  const { text, client_id, user_id } = message;
  const own = user_id === undefined ? message.sender === reader.name : user_id === reader.userId;
  const { order, key } = place(timeline, message.id);
  return {
    type: 'message',
    key: (own && client_id) || key,
    order,
    at: Date.parse(message.timestamp) || Date.now(),
    id: message.id ?? null,
    sender: visible(message.sender),
    userId: user_id ?? null,
    text: visible(text),
    own,
    bot: message.bot === true,
    mention: !own && mentions(text, reader.name),
    clientId: client_id ?? null,
    editedAt: timeOf(message.edited_at),
    deleted: 'deleted' in sent,
    replyTo: message.reply_to ?? null,
    reactions: (message.reactions ?? []).map((reaction) => ({ ...reaction, mine: reaction.mine === true })),
  };
}

export function toNotice(timeline: Timeline, notice: SystemMessage): NoticeEntry {
  const { kind, text } = notice;
  // The plain chatroom has the text only.
  const parsed = /^(.*) has (joined|left) the room$/su.exec(text);
  const username = notice.username ?? parsed?.[1] ?? '';
  const ending = ` is now known as ${username}`;
  const before = kind === 'renamed' && text.endsWith(ending) ? text.slice(0, -ending.length) : '';
  const told = kind ?? (parsed?.[2] as 'joined' | 'left' | undefined) ?? 'other';
  return {
    type: 'notice',
    ...place(timeline, notice.id),
    at: Date.parse(notice.timestamp) || Date.now(),
    kind: told === 'renamed' && before === '' ? 'other' : told,
    username: visible(username),
    userId: notice.user_id ?? null,
    before: visible(before),
    text: visible(text),
  };
}

/** How many of the oldest entries are too many, where those from the order `held` on are being read. */
function surplus(entries: readonly Entry[], held: number | null): number {
  const free = held === null ? entries.length : indexOf(entries, held);
  return Math.max(0, Math.min(entries.length - MEMORY_MAX, free), entries.length - HELD_MAX);
}

const isDeleted = (entry: Entry): entry is MessageEntry => entry.type === 'message' && entry.deleted;

/** Leaves out deleted messages, except those that another message answers. */
export function withoutDeleted(entries: readonly Entry[]): readonly Entry[] {
  if (!entries.some(isDeleted)) return entries;
  const answered = new Set(
    entries.flatMap((entry) =>
      entry.type === 'message' && !entry.deleted && entry.replyTo !== null ? entry.replyTo : [],
    ),
  );
  return entries.filter((entry) => !isDeleted(entry) || answered.has(entry.id ?? -1));
}

/** The message with this id, in the present epoch of the log. */
export function messageOf({ entries, base }: Timeline, id: number): MessageEntry | null {
  const entry = entries[indexOf(entries, base + id)];
  return entry?.type === 'message' && entry.order === base + id ? entry : null;
}

/** The same entry, as a mention if it answers one of the reader's messages. `answered` knows messages by their id. */
export function withAnswer(entry: MessageEntry, answered: (id: number) => MessageEntry | null): MessageEntry {
  if (entry.own || entry.mention || entry.replyTo === null || !answered(entry.replyTo)?.own) return entry;
  return { ...entry, mention: true };
}

/** The id of a message that can be named in a request: it has one, and it is of the present epoch. */
export const idOf = (timeline: Timeline, { id, order }: MessageEntry) =>
  id !== null && order === timeline.base + id ? id : null;

/** Puts another version of a message in its place. */
export function replace(timeline: Timeline, entry: MessageEntry): Timeline {
  const at = indexOf(timeline.entries, entry.order);
  if (timeline.entries[at]?.order !== entry.order) return timeline;
  return { ...timeline, entries: withoutDeleted(timeline.entries.with(at, entry)) };
}

/** The same entry with another count for `emoji`; `mine` is null where nothing is said about the reader. */
export function withReaction(
  entry: MessageEntry,
  emoji: string,
  counted: (before: number) => number,
  mine: boolean | null,
): MessageEntry {
  const before = entry.reactions.find((other) => other.emoji === emoji) ?? { emoji, count: 0, mine: false };
  const after = { emoji, count: counted(before.count), mine: mine ?? before.mine };
  const at = entry.reactions.indexOf(before);
  const all = at < 0 ? [...entry.reactions, after] : entry.reactions.with(at, after);
  return { ...entry, reactions: all.filter(({ count }) => count > 0) };
}

/** Gives an edited message its new text, and takes a deleted one out. */
export function changed(timeline: Timeline, change: MessageChanged, reader: Reader): Timeline {
  const { of, kind, text = '', timestamp } = change;
  const entry = messageOf(timeline, of);
  if (!entry) return timeline;
  switch (kind) {
    case 'edited':
      return replace(timeline, {
        ...entry,
        text: visible(text),
        editedAt: timeOf(timestamp) ?? Date.now(),
        mention: !entry.own && mentions(text, reader.name),
      });
    case 'deleted':
      return replace(timeline, { ...entry, text: '', deleted: true, mention: false, reactions: [] });
    case 'reacted':
    case 'unreacted': {
      const { emoji = '', count = 0, user_id } = change;
      const own = user_id === reader.userId ? kind === 'reacted' : null;
      return replace(
        timeline,
        withReaction(entry, emoji, () => count, own),
      );
    }
    default:
      return timeline;
  }
}

/** Adds entries at the end; own echoes take the place of what was pending. */
export function append(timeline: Timeline, added: readonly Entry[], held: number | null = null): Timeline {
  if (added.length === 0) return timeline;
  const echoed = new Set(added.flatMap((entry) => (entry.type === 'message' && entry.clientId) || []));
  const all = withoutDeleted([...timeline.entries, ...added]);
  const dropped = surplus(all, held);
  return {
    ...timeline,
    entries: dropped > 0 ? all.slice(dropped) : all,
    more: timeline.more || (dropped > 0 && timeline.epoch === 0),
    pending: echoed.size ? timeline.pending.filter((item) => !echoed.has(item.clientId)) : timeline.pending,
  };
}

/** Adds a page of older entries before the others. */
export function prepend(timeline: Timeline, older: readonly Entry[], more: boolean): Timeline {
  const first = timeline.entries[0]?.order ?? Number.POSITIVE_INFINITY;
  return {
    ...timeline,
    entries: withoutDeleted([...older.filter((entry) => entry.order < first), ...timeline.entries]),
    more,
  };
}

/** A mark where something may be missing. */
export function gap(timeline: Timeline, _gap?: Gap, at = Date.now()): Timeline {
  const last = timeline.entries.at(-1);
  if (!last || last.type === 'gap') return timeline;
  const order = last.order + 1e-5;
  return append(timeline, [{ type: 'gap', key: `gap:${timeline.epoch}:${order}`, order, at }]);
}

/** Another log: its ids start behind everything that is there. */
export function nextEpoch(timeline: Timeline): Timeline {
  const base = Math.ceil(lastOrder(timeline)) + 1;
  return { ...timeline, epoch: timeline.epoch + 1, base, more: false };
}

/** Takes in the fate of an own message. */
export function outgoing(timeline: Timeline, item: Outgoing): Timeline {
  const arrived =
    item.state === 'sent' &&
    timeline.entries.some((entry) => entry.type === 'message' && entry.clientId === item.clientId);
  const others = timeline.pending.filter((other) => other.clientId !== item.clientId);
  if (arrived) return { ...timeline, pending: others };
  const at = timeline.pending.findIndex((other) => other.clientId === item.clientId);
  // What is tried again by hand goes behind the others, as it does on the wire; by itself, where it was.
  const again = timeline.pending[at]?.state === 'failed' && item.state === 'queued';
  const pending =
    at < 0 || again
      ? [...others, item].sort((a, b) => a.createdAt - b.createdAt)
      : timeline.pending.with(at, item);
  return { ...timeline, pending };
}

/** Own messages that were acknowledged before a room was left, and will have no echo, take their place. */
export function settle(timeline: Timeline, lastId: number, reader: Reader): Timeline {
  const placed = timeline.pending.filter((item) => item.state === 'sent' && (item.id ?? Infinity) <= lastId);
  if (placed.length === 0) return timeline;
  const entries = placed.map((item) =>
    toMessage(
      timeline,
      {
        sender: reader.name,
        text: item.text,
        room: item.room,
        timestamp: item.timestamp ?? '',
        client_id: item.clientId,
        ...(item.id === undefined ? {} : { id: item.id }),
        ...(item.replyTo === undefined ? {} : { reply_to: item.replyTo }),
        ...(reader.userId === null ? {} : { user_id: reader.userId }),
      },
      reader,
    ),
  );
  const added = append(timeline, entries);
  return { ...added, entries: added.entries.toSorted((a, b) => a.order - b.order) };
}
