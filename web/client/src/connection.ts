// The connection and nothing else: opens the socket, opens it again with growing pauses after it was lost, and
// always knows what to tell the user. Stock socket.io-client would reconnect by itself too, but does not say when.

import type { ClientEvents, ServerEvents, Shutdown } from './protocol.js';

/** What is used of a socket.io-client `Socket`, so that tests can stand in for it. */
export interface SocketLike {
  readonly connected: boolean;
  /** False once the server refused or ended the session, as opposed to a lost transport. */
  readonly active: boolean;
  on<K extends keyof ServerEvents>(event: K, listener: (payload: ServerEvents[K]) => void): unknown;
  on(event: 'connect', listener: () => void): unknown;
  on(event: 'disconnect', listener: (reason: string) => void): unknown;
  on(event: 'connect_error', listener: (error: Error) => void): unknown;
  emit<K extends keyof ClientEvents>(
    event: K,
    payload: ClientEvents[K],
    ack?: (answer?: never) => void,
  ): unknown;
  connect(): unknown;
  disconnect(): unknown;
  /** Ends the transport, not the session, after a last event: the page may be gone the next moment. */
  goodbye(event: 'leave_room' | null, payload: ClientEvents['leave_room']): void;
  /** What the next `connect` uses: a WebSocket, and long polling if that fails; or long polling alone. */
  use(transport: 'websocket' | 'polling'): unknown;
  /** Closes the transport without a word to the server: from there it looks like a lost connection. */
  drop(): unknown;
}

/** A WebSocket that has not led to a connection by then is taken for one that a proxy lets hang. */
const HANGS_MS = 5_000;
/** How long polling comes first after that. */
const AVOID_MS = 10 * 60_000;

export type ConnectionState =
  | { phase: 'idle' }
  /** Closed because the user is away, until `connect` is called. */
  | { phase: 'parked' }
  | { phase: 'connecting'; attempt: number }
  /** `restartAt`: the server has said that it goes away, and when to come back. */
  | { phase: 'online'; restartAt?: number }
  /** Lost or not reached; tried again at `retryAt` (milliseconds since 1970). */
  | { phase: 'waiting'; attempt: number; retryAt: number; planned: boolean }
  /** The server wants no connection; nothing is tried until `connect` is called. */
  | { phase: 'refused'; message: string }
  /** The server ended the session, for instance because it goes on elsewhere. */
  | { phase: 'ended' };

export interface Backoff {
  firstMs: number;
  maxMs: number;
}

export interface ConnectionPort {
  state(state: ConnectionState): void;
  up(): void;
  down(): void;
}

export class Connection {
  readonly #socket: SocketLike;
  readonly #port: ConnectionPort;
  readonly #backoff: Backoff;
  #state: ConnectionState = { phase: 'idle' };
  #attempt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #planned: number | null = null;
  /** Until when WebSockets are not tried, because one hung. */
  #avoidUntil = 0;
  /** When the attempt that is being made was begun. */
  #begunAt = 0;

  constructor(socket: SocketLike, backoff: Backoff, port: ConnectionPort) {
    this.#socket = socket;
    this.#backoff = backoff;
    this.#port = port;
    socket.on('connect', () => this.#connected());
    socket.on('disconnect', (reason) => this.#disconnected(reason));
    socket.on('connect_error', (error) => this.#failed(error));
    socket.on('shutdown', (notice: Shutdown) => {
      this.#planned = Date.now() + notice.reconnect_in_ms;
      this.#set({ phase: 'online', restartAt: this.#planned });
    });
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get #isWanted(): boolean {
    return this.#state.phase !== 'idle' && this.#state.phase !== 'parked';
  }

  /** Connects now, also in the middle of a pause, or of an attempt that has led to nothing for a while. */
  connect(): void {
    const { phase } = this.#state;
    if (phase === 'online') return;
    if (phase === 'connecting') {
      if (Date.now() - this.#begunAt < HANGS_MS) return;
      this.#socket.disconnect();
    } else if (phase !== 'waiting') this.#attempt = 0;
    this.#try();
  }

  /** The connection is dead, though nobody said so: opens another one. */
  renew(): void {
    if (this.#state.phase !== 'online') return;
    this.#socket.drop();
    this.connect();
  }

  /** Closes the transport, as a lost connection looks to the server, and tries nothing until `connect`. */
  park(): void {
    const { phase } = this.#state;
    clearTimeout(this.#timer);
    this.#planned = null;
    this.#set({ phase: 'parked' });
    if (phase === 'online') this.#socket.drop();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#set({ phase: 'idle' });
    this.#socket.disconnect();
  }

  #try(): void {
    clearTimeout(this.#timer);
    this.#attempt += 1;
    this.#set({ phase: 'connecting', attempt: this.#attempt });
    if (Date.now() >= this.#avoidUntil) {
      this.#socket.use('websocket');
      this.#timer = setTimeout(() => this.#hung(), HANGS_MS);
    }
    this.#begin();
  }

  #hung(): void {
    this.#avoidUntil = Date.now() + AVOID_MS;
    this.#socket.disconnect();
    this.#socket.use('polling');
    this.#begin();
  }

  #begin(): void {
    this.#begunAt = Date.now();
    this.#socket.connect();
  }

  #connected(): void {
    clearTimeout(this.#timer);
    this.#attempt = 0;
    this.#planned = null;
    this.#set({ phase: 'online' });
    this.#port.up();
  }

  #disconnected(reason: string): void {
    this.#port.down();
    if (!this.#isWanted) return;
    if (reason === 'io server disconnect' && this.#planned === null) {
      this.#set({ phase: 'ended' });
      return;
    }
    this.#wait();
  }

  #failed(error: Error): void {
    clearTimeout(this.#timer);
    if (!this.#isWanted) return;
    // Polling has failed as well, so that it was not the WebSocket.
    this.#avoidUntil = 0;
    if (this.#socket.active) this.#wait();
    else this.#set({ phase: 'refused', message: error.message });
  }

  #wait(): void {
    const grown = Math.min(this.#backoff.firstMs * 2 ** this.#attempt, this.#backoff.maxMs);
    // Half of the pause is chance, so that a restarted server is not met by everybody at once.
    const jittered = Date.now() + grown * (0.5 + Math.random() / 2);
    const planned = this.#planned !== null;
    const retryAt = Math.max(this.#planned ?? 0, this.#attempt === 0 && planned ? 0 : jittered);
    this.#planned = null;
    clearTimeout(this.#timer);
    this.#set({ phase: 'waiting', attempt: this.#attempt, retryAt, planned });
    this.#timer = setTimeout(() => this.#try(), Math.max(0, retryAt - Date.now()));
  }

  #set(state: ConnectionState): void {
    this.#state = state;
    this.#port.state(state);
  }
}
