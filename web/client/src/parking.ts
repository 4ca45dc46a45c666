// Closes the connection of a page that has been hidden for as long as the server says, and opens it again when the page
// is shown. A server without connections can be stopped by its host.

import type { ConnectionState } from './connection.js';
import type { Emitter } from './emitter.js';
import type { ChatEvents } from './events.js';
import type { Session } from './protocol.js';

/** What is used of a chat. */
export interface ParkableChat extends Emitter<ChatEvents> {
  readonly session: Session | null;
  readonly connectionState: ConnectionState;
  connect(): void;
  park(): boolean;
}

/** What is used of a `Document`, so that tests can stand in for it. */
export interface PageLike {
  readonly visibilityState: string;
  addEventListener(event: 'visibilitychange', listener: () => void): void;
  removeEventListener(event: 'visibilitychange', listener: () => void): void;
}

/** Time between two attempts while something is still to be sent. */
const AGAIN_MS = 1_000;

export class Parking {
  readonly #chat: ParkableChat;
  readonly #page: PageLike;
  readonly #listener = () => this.#changed();
  /** 0: the server wants no page to park. */
  #afterMs = 0;
  /** Since when the page is hidden, or in the room if that is later. */
  #since = Date.now();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(chat: ParkableChat, page: PageLike) {
    this.#chat = chat;
    this.#page = page;
    page.addEventListener('visibilitychange', this.#listener);
    const announced = ({ limits }: Session) => {
      this.#afterMs = limits.park_after_ms;
      this.#check();
    };
    chat.on('session', announced);
    if (chat.session) announced(chat.session);
    chat.on('joined', ({ continuity }) => {
      // Another membership: the server holds those that have lasted for a while.
      if (continuity !== 'resumed') this.#since = Date.now();
    });
    chat.on('connection', ({ phase }) => {
      // Closed for good, or by `connect()` opened again.
      if (phase === 'idle') this.#stop();
      else page.addEventListener('visibilitychange', this.#listener);
    });
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#page.removeEventListener('visibilitychange', this.#listener);
  }

  #changed(): void {
    this.#since = Date.now();
    if (this.#page.visibilityState === 'hidden') this.#check();
    else if (this.#chat.connectionState.phase === 'parked') this.#chat.connect();
  }

  /** Timers of hidden pages are late, and those of a computer that slept too: the clock decides. */
  #check(): void {
    clearTimeout(this.#timer);
    if (!(this.#afterMs > 0) || this.#page.visibilityState !== 'hidden') return;
    const left = this.#since + this.#afterMs - Date.now();
    if (left > 0) this.#wait(left);
    else if (!this.#chat.park()) this.#wait(AGAIN_MS);
  }

  #wait(ms: number): void {
    this.#timer = setTimeout(() => this.#check(), ms);
  }
}
