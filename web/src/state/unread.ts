// What the reader has not seen. Read means: at the end of the log in a tab that has the focus, or up to the message
// that has it. The line "New" stays where it was drawn until the room is left or Escape is pressed.

import { signal } from '@preact/signals';
import { STORAGE_PREFIX } from './base';
import { indexOf } from './entries';
import { prefs } from './prefs';
import type { Entry, MessageEntry, Timeline } from './timeline';

export interface Count {
  count: number;
  mentions: number;
}

const NONE: Count = { count: 0, mentions: 0 };

interface TabNews {
  room: string;
  news: Count;
}

export class Unread {
  /** Unseen in the room that is open here. */
  readonly here = signal<Count>(NONE);
  /** Unseen in rooms that are open in other tabs. */
  readonly elsewhere = signal<Readonly<Record<string, Count>>>({});
  /** The newest message of each room, as far as the server tells. */
  readonly newest = signal<Readonly<Record<string, number>>>({});
  /** Order of the first entry that was unseen; the line "New" is drawn before it. */
  readonly newFrom = signal<number | null>(null);

  readonly #channel =
    'BroadcastChannel' in globalThis ? new BroadcastChannel(`${STORAGE_PREFIX}unread`) : null;
  #room: string | null = null;
  #epoch: string | null = null;
  /** Order of the last entry that was counted or seen. */
  #counted = 0;
  /** Order up to which entries are what was said while the reader was in another room. */
  #away = 0;
  #lastId = 0;
  #reading = true;
  /** The next activity is the first of its connection. */
  #first = true;

  constructor() {
    this.#channel?.addEventListener('message', ({ data }: MessageEvent<TabNews>) => {
      this.elsewhere.value = { ...this.elsewhere.value, [data.room]: data.news };
    });
  }

  connected(): void {
    this.#first = true;
  }

  /**
   * The server tells the newest message of each room. A room that is seen for the first time has nothing new, nor has
   * one whose ids have started anew: while a connection lasts they only grow, so that the first ones tell.
   */
  activity(newest: Readonly<Record<string, number>>): void {
    const read = prefs.read.peek();
    const anew = Object.entries(newest).flatMap(([room, id]) => {
      const mark = read[room];
      return mark && (!this.#first || mark.id <= id) ? [] : [[room, { epoch: mark?.epoch ?? '', id }]];
    });
    this.#first = false;
    if (anew.length > 0) prefs.read.value = { ...read, ...Object.fromEntries(anew) };
    this.newest.value = newest;
  }

  /** Whether a room that is not open here has something that was not seen anywhere. */
  waits(room: string): boolean {
    return (this.newest.value[room] ?? 0) > (prefs.read.value[room]?.id ?? 0);
  }

  /** A room was entered, or entered again after a lost connection. */
  enter(room: string, epoch: string | null, timeline: Timeline, lastId: number | null): void {
    if (room !== this.#room) {
      const mark = prefs.read.peek()[room];
      const known = mark !== undefined && mark.epoch === epoch;
      this.#counted = known ? timeline.base + mark.id : (timeline.entries.at(-1)?.order ?? 0);
      this.#away = known ? timeline.base + (lastId ?? 0) : 0;
    }
    // The log as it was is read with its last message, also where that is no longer kept.
    if (room !== this.#room || epoch !== this.#epoch) this.#lastId = lastId ?? 0;
    this.#room = room;
    this.#epoch = epoch;
    this.add(timeline.entries.slice(indexOf(timeline.entries, timeline.base)));
  }

  add(added: readonly Entry[]): void {
    let { count, mentions } = this.here.peek();
    for (const entry of added) {
      if (entry.type !== 'message') continue;
      this.#lastId = entry.id ?? this.#lastId;
      if (entry.own || entry.order <= this.#counted) continue;
      count += 1;
      if (entry.mention) mentions += 1;
      // What arrives under the reader's eyes is not new; what was said meanwhile is.
      if (!this.#reading || entry.order <= this.#away) this.newFrom.value ??= entry.order;
    }
    this.#counted = Math.max(this.#counted, added.at(-1)?.order ?? 0);
    if (count !== this.here.peek().count) this.#set({ count, mentions });
    if (this.#reading) this.#read();
  }

  leave(): void {
    this.#set(NONE);
    this.#room = null;
    this.newFrom.value = null;
  }

  /** Whether the reader sees what comes in. */
  reading(reading: boolean): void {
    this.#reading = reading;
    if (reading) this.#read();
  }

  /** The focus is on this message: it and what is before it is read. */
  passed(entry: MessageEntry, entries: readonly Entry[]): void {
    // What is unseen is the newest, so that there is less of it after the entry tells that some of it was passed.
    const rest = entries.filter(
      (other): other is MessageEntry => other.type === 'message' && !other.own && other.order > entry.order,
    );
    if (rest.length >= this.here.peek().count) return;
    this.#mark(entry.id ?? 0);
    this.#set({ count: rest.length, mentions: rest.filter(({ mention }) => mention).length });
  }

  clearLine(): void {
    this.newFrom.value = null;
  }

  #read(): void {
    if (this.#room === null) return;
    this.#mark(this.#lastId);
    this.#set(NONE);
  }

  #mark(id: number): void {
    const [room, epoch] = [this.#room, this.#epoch];
    if (room === null || epoch === null || id === 0) return;
    const mark = prefs.read.peek()[room];
    if (mark?.id === id && mark.epoch === epoch) return;
    prefs.read.value = { ...prefs.read.peek(), [room]: { epoch, id } };
  }

  #set(news: Count): void {
    if (news.count === this.here.peek().count) return;
    this.here.value = news;
    if (this.#room) this.#channel?.postMessage({ room: this.#room, news } satisfies TabNews);
  }
}
