// What the page shows of its connection: its state, the rooms with their counts, and the session.

import { batch, signal } from '@preact/signals';
import type { Activity, Chat, ConnectionState, RoomInfo, Session } from '../../client/src/index.js';

const BACK_MS = 2000;
/** A shorter loss is not mentioned. */
const NOTICED_MS = 1000;

export class ConnectionStore {
  readonly state = signal<ConnectionState>({ phase: 'idle' });
  /** Since when there is no connection, while in a room. */
  readonly lostSince = signal<number | null>(null);
  /** The connection was lost and has just returned. */
  readonly cameBack = signal(false);
  /** Since when the page has been trying to connect. */
  readonly connectingSince = signal<number | null>(null);
  readonly rooms = signal<readonly RoomInfo[]>([]);
  readonly session = signal<Session | null>(null);
  /** What the server said last of the newest messages. */
  activity: Activity | null = null;

  readonly #chat: Chat;

  constructor(chat: Chat, inRoom: () => boolean) {
    this.#chat = chat;
    chat.on('connection', (state) => batch(() => this.#changed(state, inRoom())));
    chat.on('session', (session) => {
      this.session.value = session;
    });
    chat.on('activity', (activity) => {
      this.activity = activity;
    });
    chat.on('rooms', (rooms) => this.#rooms(rooms));
  }

  connect(): void {
    this.#chat.connect();
  }

  /** Something happened that connections do not survive, or do not notice: a sleep, another network. */
  check(): void {
    const { phase } = this.state.value;
    if (phase === 'waiting' || phase === 'connecting') this.#chat.connect();
    else if (phase === 'online') this.#chat.probe();
  }

  #changed(state: ConnectionState, inRoom: boolean): void {
    const { phase } = state;
    const { lostSince, connectingSince } = this;
    this.state.value = state;
    const connecting = phase === 'connecting' || phase === 'waiting';
    connectingSince.value = connecting ? (connectingSince.value ?? Date.now()) : null;
    if (phase === 'online') {
      if (lostSince.value !== null && Date.now() - lostSince.value > NOTICED_MS) this.#back();
      lostSince.value = null;
    } else if (phase === 'refused' || phase === 'ended' || phase === 'parked') {
      // A card of its own says so, or the page is hidden: nothing is lost, and nothing is tried.
      lostSince.value = null;
    } else if (inRoom) {
      lostSince.value ??= Date.now();
    }
  }

  #back(): void {
    this.cameBack.value = true;
    setTimeout(() => {
      this.cameBack.value = false;
    }, BACK_MS);
  }

  /** The server sends counts often, mostly unchanged: the same values keep the same array. */
  #rooms(rooms: readonly RoomInfo[]): void {
    const old = this.rooms.value;
    const same =
      old.length === rooms.length &&
      rooms.every(({ name, count }, i) => old[i]?.name === name && old[i]?.count === count);
    if (!same) this.rooms.value = rooms;
  }
}
