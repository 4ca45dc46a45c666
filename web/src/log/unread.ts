// Which messages of a room the reader has not seen. A message counts as read when it is at the end of the log in a tab
// that has the focus, or when the focus has moved past it. The line "New" stays where it was drawn until the room is
// left or Escape is pressed. Plain logic: it reads and writes cells, which signals are and plain objects can be.

import { indexOf } from './entries';
import type { Entry, MessageEntry, Timeline } from './timeline';

export interface Count {
  count: number;
  mentions: number;
}

export const NOTHING: Count = { count: 0, mentions: 0 };

/** The last message read of a room. */
export interface ReadMark {
  epoch: string;
  id: number;
}

/** A value that can be watched: `value` subscribes, `peek` does not. */
export interface Cell<T> {
  value: T;
  peek(): T;
}

export interface UnreadCells {
  /** Unseen in the room that is open. */
  readonly here: Cell<Count>;
  /** The newest message of each room, as far as the server says. */
  readonly newest: Cell<Readonly<Record<string, number>>>;
  /** Order of the first entry that was unseen; the line "New" is drawn before it. */
  readonly newFrom: Cell<number | null>;
  /** The last message read, by room. */
  readonly marks: Cell<Record<string, ReadMark>>;
}

export class UnreadCounter {
  readonly #cells: UnreadCells;
  /** Called when the number of unseen messages of a room changes. */
  readonly #changed: (room: string, count: Count) => void;
  #room: string | null = null;
  #epoch: string | null = null;
  /** Order of the last entry that was counted or seen. */
  #counted = 0;
  /** Order of the last entry that was sent while the reader was in another room. */
  #away = 0;
  #lastId = 0;
  #reading = true;
  /** The next activity is the first of its connection. */
  #first = true;

  constructor(cells: UnreadCells, changed: (room: string, count: Count) => void) {
    this.#cells = cells;
    this.#changed = changed;
  }

  connected(): void {
    this.#first = true;
  }

  /**
   * Takes in the newest message id of each room. A room that is seen for the first time has nothing new, nor has one
   * whose ids have started again: during a connection ids only grow, so the first report shows it.
   */
  activity(newest: Readonly<Record<string, number>>): void {
    const { marks } = this.#cells;
    const read = marks.peek();
    const fresh = Object.entries(newest).flatMap(([room, id]) => {
      const mark = read[room];
      return mark && (!this.#first || mark.id <= id) ? [] : [[room, { epoch: mark?.epoch ?? '', id }]];
    });
    this.#first = false;
    if (fresh.length > 0) marks.value = { ...read, ...Object.fromEntries(fresh) };
    this.#cells.newest.value = newest;
  }

  /** Whether a room that is not open here has a message that was not seen in any tab. */
  waits(room: string): boolean {
    return (this.#cells.newest.value[room] ?? 0) > (this.#cells.marks.value[room]?.id ?? 0);
  }

  /** A room was entered, or entered again after a lost connection. */
  enter(room: string, epoch: string | null, timeline: Timeline, lastId: number | null): void {
    if (room !== this.#room) {
      const mark = this.#cells.marks.peek()[room];
      const known = mark !== undefined && mark.epoch === epoch;
      this.#counted = known ? timeline.base + mark.id : (timeline.entries.at(-1)?.order ?? 0);
      this.#away = known ? timeline.base + (lastId ?? 0) : 0;
    }
    // The whole log counts as read with its last message, even if that message is no longer stored.
    if (room !== this.#room || epoch !== this.#epoch) this.#lastId = lastId ?? 0;
    this.#room = room;
    this.#epoch = epoch;
    this.add(timeline.entries.slice(indexOf(timeline.entries, timeline.base)));
  }

  add(added: readonly Entry[]): void {
    const { here, newFrom } = this.#cells;
    let { count, mentions } = here.peek();
    for (const entry of added) {
      if (entry.type !== 'message') continue;
      this.#lastId = entry.id ?? this.#lastId;
      if (entry.own || entry.deleted || entry.order <= this.#counted) continue;
      count += 1;
      if (entry.mention) mentions += 1;
      // What arrives while the reader looks is not new; what was sent while they were away is.
      if (!this.#reading || entry.order <= this.#away) newFrom.value ??= entry.order;
    }
    this.#counted = Math.max(this.#counted, added.at(-1)?.order ?? 0);
    if (count !== here.peek().count) this.#set({ count, mentions });
    if (this.#reading) this.#read();
  }

  leave(): void {
    this.#set(NOTHING);
    this.#room = null;
    this.clearLine();
  }

  /** Whether the reader sees what arrives. */
  reading(reading: boolean): void {
    this.#reading = reading;
    if (reading) this.#read();
  }

  /** The focus is on this message: it and everything before it is read. */
  passed(entry: MessageEntry, entries: readonly Entry[]): void {
    // The unseen messages are the newest ones: fewer of them after the entry means that some were passed.
    const rest = entries.filter(
      (other): other is MessageEntry => other.type === 'message' && !other.own && other.order > entry.order,
    );
    if (rest.length >= this.#cells.here.peek().count) return;
    this.#mark(entry.id ?? 0);
    this.#set({ count: rest.length, mentions: rest.filter(({ mention }) => mention).length });
  }

  clearLine(): void {
    this.#cells.newFrom.value = null;
  }

  #read(): void {
    if (this.#room === null) return;
    this.#mark(this.#lastId);
    this.#set(NOTHING);
  }

  #mark(id: number): void {
    const [room, epoch] = [this.#room, this.#epoch];
    if (room === null || epoch === null || id === 0) return;
    const { marks } = this.#cells;
    const read = marks.peek();
    const mark = read[room];
    if (mark?.id === id && mark.epoch === epoch) return;
    marks.value = { ...read, [room]: { epoch, id } };
  }

  #set(count: Count): void {
    const { here } = this.#cells;
    if (count.count === here.peek().count) return;
    here.value = count;
    if (this.#room) this.#changed(this.#room, count);
  }
}
