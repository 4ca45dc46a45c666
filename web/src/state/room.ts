// The room that is open: its log, its users, and what the reader has not seen. Messages are applied once per frame, so
// that a burst costs one rendering and not a hundred.

import { batch, computed, type Signal, signal } from '@preact/signals';
import type {
  Chat,
  GetHistory,
  HistoryBody,
  Joined,
  MessageChanged,
  Outgoing,
  ReceiveMessage,
  RoomChanged,
  User,
} from '../../client/src/index.js';
import { fill, insert } from '../log/pages';
import {
  append,
  changed,
  EMPTY,
  type Entry,
  type GapEntry,
  gap,
  type MessageEntry,
  messageOf,
  nextEpoch,
  outgoing,
  prepend,
  type Reader,
  replace,
  settle,
  type Timeline,
  toMessage,
  toNotice,
  withAnswer,
} from '../log/timeline';
import { nextFrame } from './frame';
import { isIgnored } from './ignored';
import { type Quoted, Quotes } from './quotes';
import type { Store } from './store';
import { Unread } from './unread';

/** In a burst the log is drawn this often; a single message is drawn with the next frame. */
const BURST_MS = 100;
const OLDER_PAGE = 100;
/** So many messages come with one that is far back. */
const AROUND = 50;

export type MessageListener = (message: MessageEntry, room: string) => void;

export class RoomStore {
  /** The room the reader is in or on the way to; null: signing in. */
  readonly name;
  readonly joined;
  readonly users = signal<readonly User[] | null>(null);
  /** Others who are typing. */
  readonly typing = signal<readonly User[]>([]);
  readonly loadingOlder = signal(false);
  /** How the room is run, if anything about it is unusual. */
  readonly run = signal<RoomChanged | null>(null);
  readonly unread = new Unread();
  /** Answered messages that are not in the log. */
  readonly quotes = new Quotes((id) => this.find(id));
  readonly timeline;

  /** Order of the first entry in view while the reader is further up: from there on entries are kept. */
  held: number | null = null;

  readonly #chat: Chat;
  readonly #store: Store;
  readonly #timelines = new Map<string, Signal<Timeline>>();
  #incoming: Entry[] = [];
  #scheduled = false;
  #flushedAt = Number.NEGATIVE_INFINITY;
  #listeners: MessageListener[] = [];

  constructor(chat: Chat, store: Store) {
    this.#chat = chat;
    this.#store = store;
    const { room, joined } = store.signIn;
    this.name = room;
    this.joined = joined;
    this.timeline = computed(() => (room.value ? this.timelineOf(room.value).value : EMPTY));
    this.#listen();
    // The server says it once, right after the connection stands.
    if (store.connection.activity) this.unread.activity(store.connection.activity.rooms);
  }

  /** Calls `listener` for each new message of others: for notifications and screen readers. */
  onMessage(listener: MessageListener): () => void {
    this.#listeners.push(listener);
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== listener);
    };
  }

  timelineOf(room: string): Signal<Timeline> {
    const found = this.#timelines.get(room) ?? signal(EMPTY);
    this.#timelines.set(room, found);
    return found;
  }

  /** The reader is on the way into `room`. */
  open(room: string): void {
    this.#flush();
    if (this.name.value !== room) {
      this.unread.leave();
      this.users.value = null;
      this.typing.value = [];
      this.run.value = null;
      this.quotes.clear();
    }
  }

  /** The reader has left, or was not let in. */
  close(): void {
    this.unread.leave();
  }

  /** Loads older messages from the server; false if there are none. */
  async older(): Promise<boolean> {
    const room = this.name.value;
    if (!room || this.loadingOlder.value || !this.joined.value) return false;
    const timeline = this.timelineOf(room);
    const oldest = timeline.value.entries.find((entry) => entry.type === 'message');
    if (!timeline.value.more || oldest?.type !== 'message' || oldest.id === null) return false;
    this.loadingOlder.value = true;
    const page = await this.#chat.older(oldest.id, OLDER_PAGE);
    batch(() => {
      this.loadingOlder.value = false;
      if (!page) return;
      const entries = page.messages.map((message) => toMessage(timeline.value, message, this.#reader()));
      timeline.value = prepend(timeline.value, entries, page.more);
    });
    return page !== null;
  }

  /**
   * Makes sure that the message with this id is in the log, with what is around it; null if it is gone, undefined if there
   * is no answer.
   */
  async reach(id: number): Promise<Quoted> {
    const timeline = this.timelineOf(this.name.value ?? '');
    const here = () => messageOf(timeline.value, id);
    if (here()) return here();
    const page = await this.#page({ before: id + AROUND / 2, limit: AROUND });
    if (!page) return undefined;
    if (!page.entries.some((entry) => entry.id === id && !entry.deleted)) return null;
    timeline.value = insert(timeline.value, page.entries, page.more);
    return here();
  }

  /** Loads what follows a hole in the log. */
  async fill(hole: GapEntry): Promise<void> {
    const timeline = this.timelineOf(this.name.value ?? '');
    const page = await this.#page({ after: hole.after ?? 0, limit: OLDER_PAGE });
    if (page) timeline.value = fill(timeline.value, hole, page.entries, page.more);
  }

  /** The message with this id, without putting it into the log; null if it is gone, undefined if there is no answer. */
  async find(id: number): Promise<Quoted> {
    const here = messageOf(this.timelineOf(this.name.value ?? '').value, id);
    if (here) return here;
    const page = await this.#page({ before: id + 1, limit: 1 });
    return page && (page.entries.find((entry) => entry.id === id && !entry.deleted) ?? null);
  }

  /** A message of the open room as the log would have it. */
  entryOf(message: ReceiveMessage): MessageEntry {
    return toMessage(this.timelineOf(message.room).value, message, this.#reader());
  }

  /** A page of the open room's history; undefined if there is no answer, or the reader is in another room by now. */
  async #page(asked: GetHistory): Promise<{ entries: MessageEntry[]; more: boolean } | undefined> {
    const room = this.name.value;
    const answer = await this.#chat.ask<HistoryBody>('get_history', asked);
    if (!answer?.ok || this.name.value !== room || room === null) return undefined;
    const timeline = this.timelineOf(room).value;
    const entries = answer.messages.map((message) => toMessage(timeline, message, this.#reader()));
    return { entries, more: answer.more };
  }

  /** Asks for the list of users. */
  refreshUsers(): void {
    void this.#chat.refreshUsers();
  }

  /** Takes the row of an own message out of the log. */
  removePending(clientId: string): void {
    const timeline = this.timelineOf(this.name.value ?? '');
    const pending = timeline.value.pending.filter((item) => item.clientId !== clientId);
    timeline.value = { ...timeline.value, pending };
  }

  /** Takes in a change: of an event, or of one's own that the server has accepted. */
  change(change: MessageChanged): void {
    this.#apply(change.room, (timeline) => changed(timeline, change, this.#reader()));
  }

  /** Puts another version of a message in its place, ahead of the server's word. */
  update(id: number, make: (entry: MessageEntry) => MessageEntry): void {
    this.#apply(this.name.value ?? '', (timeline) => {
      const entry = messageOf(timeline, id);
      return entry ? replace(timeline, make(entry)) : timeline;
    });
  }

  #reader(): Reader {
    const joined = this.joined.value;
    const { signIn, connection } = this.#store;
    return {
      name: joined?.username ?? signIn.name.value,
      userId: joined?.userId ?? connection.session.value?.user_id ?? null,
    };
  }

  #listen(): void {
    const chat = this.#chat;
    chat.on('connection', ({ phase }) => {
      if (phase !== 'online') this.typing.value = [];
    });
    chat.on('session', () => this.unread.connected());
    chat.on('activity', ({ rooms }) => this.unread.activity(rooms));
    chat.on('joined', (joined) => this.#joined(joined));
    chat.on('message', ({ message, live }) => this.#message(message, live));
    chat.on('notice', ({ room, notice }) => {
      this.#append((timeline) => toNotice(timeline, notice), room);
    });
    chat.on('gap', (event) => this.#apply(event.room, (timeline) => gap(timeline, event)));
    chat.on('changed', (event) => this.change(event));
    chat.on('run', (run) => {
      if (run.room === this.name.value) this.run.value = run;
    });
    chat.on('users', ({ users }) => {
      this.users.value = users;
    });
    chat.on('typing', ({ users }) => {
      const own = this.joined.value?.userId;
      this.typing.value = users.filter((user) => user.user_id !== own && !isIgnored(user.user_id));
    });
    chat.on('outgoing', (item) => this.#outgoing(item));
  }

  /** Changes a room's log, behind what has arrived before. */
  #apply(room: string, change: (timeline: Timeline) => Timeline): void {
    this.#flush();
    const timeline = this.timelineOf(room);
    timeline.value = change(timeline.value);
  }

  #joined(joined: Joined): void {
    this.#flush();
    const timeline = this.timelineOf(joined.room);
    const first = !timeline.value.loaded;
    batch(() => {
      this.joined.value = joined;
      // The server says it after each join, unless all is as usual.
      this.run.value = null;
      let now = timeline.value;
      if (joined.continuity === 'broken') now = gap(now);
      if (joined.epochChanged) {
        now = nextEpoch(now);
        this.quotes.clear();
      }
      const reader = this.#reader();
      const page = joined.history.map((message) => toMessage(now, message, reader));
      const answered = (id: number) => page.find((entry) => entry.id === id) ?? messageOf(now, id);
      now = append(
        now,
        page.map((entry) => withAnswer(entry, answered)),
      );
      if (joined.lastId !== null) now = settle(now, joined.lastId, reader);
      const more = first ? (joined.history[0]?.id ?? 0) > 1 : now.more;
      timeline.value = { ...now, loaded: true, more };
      this.quotes.again();
      this.unread.enter(joined.room, this.#chat.epoch(joined.room), timeline.value, joined.lastId);
    });
  }

  #message(message: ReceiveMessage, live: boolean): void {
    this.#append((timeline) => {
      const entry = withAnswer(toMessage(timeline, message, this.#reader()), (id) =>
        messageOf(this.timelineOf(message.room).value, id),
      );
      if (live && !entry.own && !isIgnored(entry.userId)) {
        for (const listener of this.#listeners) listener(entry, message.room);
      }
      return entry;
    }, message.room);
  }

  /** Adds an entry with the next frame. Entries without an id are ordered after those that already wait. */
  #append(make: (timeline: Timeline) => Entry, room: string): void {
    const timeline = this.timelineOf(room).value;
    const waiting = this.#incoming.length > 0 ? { ...timeline, entries: this.#incoming } : timeline;
    this.#incoming.push(make(waiting));
    if (this.#scheduled) return;
    this.#scheduled = true;
    const wait = this.#flushedAt + BURST_MS - performance.now();
    if (wait > 0) setTimeout(() => this.#flush(), wait);
    else nextFrame(() => this.#flush());
  }

  #flush(): void {
    this.#scheduled = false;
    this.#flushedAt = performance.now();
    const room = this.name.value;
    const added = this.#incoming;
    this.#incoming = [];
    if (!room || added.length === 0) return;
    batch(() => {
      const timeline = this.timelineOf(room);
      timeline.value = append(timeline.value, added, this.held);
      this.unread.add(added.filter((entry) => entry.type !== 'message' || !isIgnored(entry.userId)));
    });
  }

  #outgoing(item: Outgoing): void {
    const timeline = this.timelineOf(item.room);
    timeline.value = outgoing(timeline.value, item);
  }
}
