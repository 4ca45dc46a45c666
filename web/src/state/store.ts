// The state of the page: turns what the client module tells into signals, and what the reader does into calls of it.
// Messages are taken in once per frame, so that a burst costs one rendering and not a hundred.

import { batch, computed, type Signal, signal } from '@preact/signals';
import type {
  Chat,
  ConnectionState,
  Joined,
  Outgoing,
  ReceiveMessage,
  RoomInfo,
  Session,
  User,
  WireError,
} from '../client';
import { t } from '../i18n';
import { meant } from './address';
import { EMPTY } from './entries';
import { prefs } from './prefs';
import { saveIn, saveTabName, tabName } from './session-store';
import type * as Timelines from './timeline';
import type { Entry, MessageEntry, Timeline } from './timeline';
import { Unread } from './unread';

/** Runs `work` with the next frame; hidden pages have none, and get a timer. */
export function nextFrame(work: () => void): void {
  if (document.hidden) setTimeout(work, 50);
  else requestAnimationFrame(work);
}

/** In a burst the log is drawn this often; what comes alone is drawn with the next frame. */
const BURST_MS = 100;
const OLDER_PAGE = 100;
const BACK_MS = 2000;

/** There before any room is entered. */
let timelines: typeof Timelines;
let ready = false;

export function provideTimelines(module: typeof Timelines): void {
  timelines = module;
  ready = true;
}

/** Fetches what a room is kept with. */
export const loadRoomParts = () => import('./room-parts');

const LOAD_RETRY_MS = 1000;

export type MessageListener = (message: MessageEntry, room: string) => void;

export class Store {
  readonly connection = signal<ConnectionState>({ phase: 'idle' });
  /** Since when there is no connection, while in a room. */
  readonly lostSince = signal<number | null>(null);
  readonly cameBack = signal(false);
  /** Since when a connection is being looked for. */
  readonly connectingSince = signal<number | null>(null);
  readonly rooms = signal<readonly RoomInfo[]>([]);
  readonly session = signal<Session | null>(null);
  /** The room the reader is in or on the way to; null: signing in. */
  readonly room = signal<string | null>(null);
  /** The name that this tab goes by, or is asking for. */
  readonly name = signal(tabName() ?? prefs.name.peek());
  readonly joined = signal<Joined | null>(null);
  readonly joinError = signal<WireError | null>(null);
  readonly users = signal<readonly User[] | null>(null);
  readonly typing = signal<readonly User[]>([]);
  /** One line to tell the reader once, such as that a room does not exist. */
  readonly note = signal<string | null>(null);
  readonly loadingOlder = signal(false);
  /** Until when the server wants no messages. */
  readonly blockedUntil = signal(0);
  /** Text put into the composer from elsewhere: a mention, a recalled message. */
  readonly insert = signal<{ text: string; replace: boolean } | null>(null);
  /** Counts up with each own message, which the log follows to the end. */
  readonly sentCount = signal(0);

  /** Order of the first entry in view while the reader is further up: from there on entries are kept. */
  held: number | null = null;

  readonly unread = new Unread();
  readonly timeline = computed(() => (this.room.value ? this.timelineOf(this.room.value).value : EMPTY));
  /** The sign-in card is being answered: it stays until the room is there. */
  readonly signingIn = signal(false);

  readonly #chat: Chat;
  readonly #timelines = new Map<string, Signal<Timeline>>();
  #incoming: Entry[] = [];
  #scheduled = false;
  #flushedAt = Number.NEGATIVE_INFINITY;
  #listeners: MessageListener[] = [];

  constructor(chat: Chat) {
    this.#chat = chat;
    this.#listen();
  }

  /** For notifications and screen readers: each new message of others. */
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

  connect(): void {
    this.#chat.connect();
  }

  /** Something happened that connections do not survive, or are not told of: a sleep, another network. */
  checkConnection(): void {
    const { phase } = this.connection.value;
    if (phase === 'waiting' || phase === 'connecting') this.#chat.connect();
    else if (phase === 'online') this.#chat.probe();
  }

  /** Enters `room` under `name`, from the sign-in card or from another room. */
  enter(room: string, name = this.name.value): void {
    this.#flush();
    batch(() => {
      if (this.room.value !== room) {
        this.unread.leave();
        this.users.value = null;
        this.typing.value = [];
      }
      this.joinError.value = null;
      this.room.value = room;
      this.joined.value = null;
      this.name.value = name;
    });
    this.#join(room, name);
    this.#chat.connect();
  }

  #join(room: string, name: string): void {
    if (ready) {
      this.#chat.join(room, name);
      return;
    }
    const again = () => {
      if (this.room.value === room) this.#join(room, name);
    };
    loadRoomParts().then(again, () => setTimeout(again, LOAD_RETRY_MS));
  }

  rename(name: string): void {
    const room = this.room.value;
    if (!room || name === this.name.value) return;
    this.name.value = name;
    this.#chat.join(room, name);
  }

  /** Enters a room from the sign-in card. */
  signIn(room: string, name: string): void {
    this.signingIn.value = true;
    this.enter(room, name);
  }

  leave(): void {
    this.#chat.leave();
    saveIn(false);
    batch(() => {
      this.unread.leave();
      this.signingIn.value = false;
      this.room.value = null;
      this.joined.value = null;
    });
  }

  /** Sends a message; `clientId` is the key of one that was taken back. */
  send(text: string, clientId?: string): void {
    this.#chat.send(text, clientId);
    this.sentCount.value += 1;
  }

  /**
   * Takes back the last own message that was not sent: its row goes, its text and key are returned. What is on its way
   * or sent stays.
   */
  takeBack(): { text: string; clientId: string | undefined } | null {
    for (const { clientId, text, failure } of this.timeline.value.pending.toReversed()) {
      if (!this.discard(clientId)) continue;
      // Under this key another text is there already.
      return { text, clientId: failure?.code === 'conflict' ? undefined : clientId };
    }
    return null;
  }

  retry(clientId: string): void {
    this.#chat.retry(clientId);
  }

  /** False where it is too late for that. */
  discard(clientId: string): boolean {
    if (!this.#chat.discard(clientId)) return false;
    const timeline = this.timelineOf(this.room.value ?? '');
    const pending = timeline.value.pending.filter((item) => item.clientId !== clientId);
    timeline.value = { ...timeline.value, pending };
    return true;
  }

  tellTyping(typing: boolean): void {
    this.#chat.typing(typing);
  }

  /** Loads older messages from the server; false where there are none. */
  async older(): Promise<boolean> {
    const room = this.room.value;
    if (!room || this.loadingOlder.value || !this.joined.value) return false;
    const timeline = this.timelineOf(room);
    const oldest = timeline.value.entries.find((entry) => entry.type === 'message');
    if (!timeline.value.more || oldest?.type !== 'message' || oldest.id === null) return false;
    this.loadingOlder.value = true;
    const page = await this.#chat.older(oldest.id, OLDER_PAGE);
    batch(() => {
      this.loadingOlder.value = false;
      if (!page) return;
      const entries = page.messages.map((message) =>
        timelines.toMessage(timeline.value, message, this.#reader()),
      );
      timeline.value = timelines.prepend(timeline.value, entries, page.more);
    });
    return page !== null;
  }

  #reader(): Timelines.Reader {
    const joined = this.joined.value;
    return {
      name: joined?.username ?? this.name.value,
      userId: joined?.userId ?? this.session.value?.user_id ?? null,
    };
  }

  #listen(): void {
    const chat = this.#chat;
    chat.on('connection', (state) => this.#connection(state));
    chat.on('session', (session) => {
      this.session.value = session;
      this.unread.connected();
    });
    chat.on('rooms', (rooms) => this.#rooms(rooms));
    chat.on('joined', (joined) => this.#joined(joined));
    chat.on('refused', ({ room, error }) => this.#refused(room, error));
    chat.on('message', ({ message, live }) => this.#message(message, live));
    chat.on('notice', ({ room, notice }) => {
      this.#take((timeline) => timelines.toNotice(timeline, notice), room);
    });
    chat.on('gap', ({ room }) => {
      this.#flush();
      const timeline = this.timelineOf(room);
      timeline.value = timelines.gap(timeline.value, Date.now());
    });
    chat.on('users', ({ users }) => {
      this.users.value = users;
    });
    chat.on('typing', ({ users }) => {
      const own = this.joined.value?.userId;
      this.typing.value = users.filter((user) => user.user_id !== own);
    });
    chat.on('activity', ({ rooms }) => this.unread.activity(rooms));
    chat.on('outgoing', (item) => this.#outgoing(item));
    chat.on('problem', (error) => {
      this.note.value = t('joinRefused', { message: error.message });
    });
  }

  #connection(state: ConnectionState): void {
    batch(() => {
      this.connection.value = state;
      const looking = state.phase === 'connecting' || state.phase === 'waiting';
      this.connectingSince.value = looking ? (this.connectingSince.value ?? Date.now()) : null;
      if (state.phase === 'online') {
        if (this.lostSince.value !== null && Date.now() - this.lostSince.value > 1000) this.#back();
        this.lostSince.value = null;
      } else if (state.phase === 'refused' || state.phase === 'ended') {
        // Said by a card of its own: nothing is lost, and nothing is tried.
        this.lostSince.value = null;
      } else if (this.room.value !== null) {
        this.lostSince.value ??= Date.now();
      }
      if (state.phase !== 'online') this.typing.value = [];
    });
  }

  #back(): void {
    this.cameBack.value = true;
    setTimeout(() => {
      this.cameBack.value = false;
    }, BACK_MS);
  }

  /** Counts change often and mostly not at all: same values, same signal. */
  #rooms(rooms: readonly RoomInfo[]): void {
    const old = this.rooms.value;
    const same =
      old.length === rooms.length &&
      rooms.every(({ name, count }, i) => old[i]?.name === name && old[i]?.count === count);
    if (!same) this.rooms.value = rooms;
  }

  #joined(joined: Joined): void {
    this.#flush();
    const timeline = this.timelineOf(joined.room);
    const first = !timeline.value.loaded;
    batch(() => {
      this.joined.value = joined;
      this.signingIn.value = false;
      this.#goBy(joined.username);
      prefs.room.value = joined.room;
      saveIn(true);
      let now = timeline.value;
      if (joined.continuity === 'broken') now = timelines.gap(now, Date.now());
      if (joined.epochChanged) now = timelines.nextEpoch(now);
      const reader = this.#reader();
      const entries = joined.history.map((message) => timelines.toMessage(now, message, reader));
      now = timelines.append(now, entries);
      if (joined.lastId !== null) now = timelines.settle(now, joined.lastId, reader);
      const more = first ? (joined.history[0]?.id ?? 0) > 1 : now.more;
      timeline.value = { ...now, loaded: true, more };
      this.unread.enter(joined.room, this.#chat.epoch(joined.room), timeline.value, joined.lastId);
    });
  }

  /** The tab keeps the name. It is also proposed to new tabs, but only once somebody has chosen it. */
  #goBy(name: string): void {
    this.name.value = name;
    if (name === tabName()) return;
    saveTabName(name);
    prefs.name.value = name;
  }

  #refused(room: string, error: WireError): void {
    const names = this.rooms.value.map((info) => info.name);
    const same = error.code === 'unknown_room' && meant(names, room);
    if (same && same !== room) {
      // The address was written before the rooms were known.
      this.enter(same);
      return;
    }
    if (error.code === 'unknown_room' && this.rooms.value[0]) {
      const other = this.rooms.value.find((info) => info.name === 'general') ?? this.rooms.value[0];
      this.note.value = t('roomUnknown', { room, other: other.name });
      this.enter(other.name);
      return;
    }
    batch(() => {
      if (this.joined.value) {
        this.name.value = this.joined.value.username;
        this.note.value = t('joinRefused', { message: error.message });
        return;
      }
      this.joinError.value = error;
      this.signingIn.value = false;
      this.room.value = null;
    });
  }

  #message(message: ReceiveMessage, live: boolean): void {
    this.#take((timeline) => {
      const entry = timelines.toMessage(timeline, message, this.#reader());
      if (live && !entry.own) {
        for (const listener of this.#listeners) listener(entry, message.room);
      }
      return entry;
    }, message.room);
  }

  /** Keeps an entry for the next frame. Orders without ids follow what waits already. */
  #take(make: (timeline: Timeline) => Entry, room: string): void {
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
    const room = this.room.value;
    const added = this.#incoming;
    this.#incoming = [];
    if (!room || added.length === 0) return;
    batch(() => {
      const timeline = this.timelineOf(room);
      timeline.value = timelines.append(timeline.value, added, this.held);
      this.unread.add(added);
    });
  }

  #outgoing(item: Outgoing): void {
    const timeline = this.timelineOf(item.room);
    timeline.value = timelines.outgoing(timeline.value, item);
    if (item.state === 'waiting' && item.failure?.code === 'rate_limited')
      this.blockedUntil.value = item.retryAt ?? 0;
  }
}
