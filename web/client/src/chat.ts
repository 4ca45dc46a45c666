// One person in one room at a time, over a connection that comes and goes. Joins again and resumes by itself,
// applies every message once and in order, and keeps what is to be sent until its fate is known.

import { Connection, type ConnectionState, type SocketLike } from './connection.js';
import { Emitter } from './emitter.js';
import type { ChatEvents, Joined } from './events.js';
import type { Membership } from './membership.js';
import type { ChatOptions } from './options.js';
import type { Outgoing, SendOptions } from './outbox.js';
import { roomParts } from './parts.js';
import type { Ack, ClientEvents, HistoryBody, Session } from './protocol.js';

/** A server that gives no sign of life for this long is not there any more. */
const PROBE_MS = 3_000;

export class Chat extends Emitter<ChatEvents> {
  readonly #socket: SocketLike;
  readonly #options: ChatOptions;
  readonly #connection: Connection;
  /** From the first `join` on. */
  #membership: Membership | null = null;
  #session: Session | null = null;
  #token: string | null;
  #probeTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(socket: (auth: () => { token: string | null }) => SocketLike, options: ChatOptions) {
    super();
    this.#options = options;
    this.#token = options.token;
    this.#socket = socket(() => ({ token: this.#token }));
    const backoff = { firstMs: options.firstRetryMs, maxMs: options.maxRetryMs };
    this.#connection = new Connection(this.#socket, backoff, {
      state: (state) => this.emit('connection', state),
      up: () => this.#membership?.request(),
      down: () => {
        this.#alive();
        this.#membership?.left();
      },
    });
    this.#listen();
  }

  /** Where this client is now, if the server counts it in. */
  get joined(): Joined | null {
    return this.#membership?.joined ?? null;
  }

  get connectionState(): ConnectionState {
    return this.#connection.state;
  }

  get session(): Session | null {
    return this.#session;
  }

  get token(): string | null {
    return this.#token;
  }

  /** Presented from the next connection on, for instance after `expiring`. */
  set token(token: string | null) {
    this.#token = token;
  }

  /** The incarnation of `room`'s log that its ids belong to, if the server has any. */
  epoch(room: string): string | null {
    return this.#membership?.epoch(room) ?? null;
  }

  /** Connects; also ends the pause before the next attempt. */
  connect(): void {
    this.#connection.connect();
  }

  /**
   * Asks the server for a sign of life; without one the connection is opened again. A connection that died in a sleeping
   * computer or with a network that was left looks like one that is idle, until the next heartbeat is missed.
   */
  probe(): void {
    // A server without sessions need not answer.
    if (!this.#socket.connected || !this.#session || this.#probeTimer !== undefined) return;
    this.#probeTimer = setTimeout(() => {
      this.#probeTimer = undefined;
      this.#connection.renew();
    }, PROBE_MS);
    // The cheapest request that is answered anywhere, in a room or not.
    this.#socket.emit('typing', { typing: false }, () => this.#alive());
  }

  #alive(): void {
    clearTimeout(this.#probeTimer);
    this.#probeTimer = undefined;
  }

  close(): void {
    this.#membership?.forget();
    this.#connection.close();
  }

  /** Enters `room`, now or when there is a connection; again after each reconnect. Answered by `joined` or `refused`. */
  join(room: string, username: string): void {
    const membership = this.equip();
    membership.join(room, username);
    this.#unpark();
    membership.request();
  }

  /**
   * The page is being closed, reloaded or put aside. The others see that soon and not after the time that a lost
   * connection has, unless the same user is back by then. In a page only.
   */
  suspend(): void {
    if (this.#connection.state.phase !== 'online') return;
    this.#socket.goodbye(this.joined && this.#session ? 'leave_room' : null, { closing: true });
  }

  /** A page that was suspended is there again: what it takes for a connection is none. */
  resume(): void {
    this.#connection.renew();
    this.#unpark();
    if (this.#connection.state.phase === 'waiting') this.connect();
  }

  /**
   * The user is away: closes the connection until `connect`, while the others see the user as away. False while a join
   * or a message is under way; call it again later then.
   */
  park(): boolean {
    const { phase } = this.#connection.state;
    if (phase === 'connecting') return false;
    if (phase !== 'online' && phase !== 'waiting') return true;
    if (this.#membership?.busy) return false;
    if (phase === 'online' && this.joined && this.#session) {
      this.#socket.emit('leave_room', { closing: true, away: true });
    }
    this.#connection.park();
    return true;
  }

  #unpark(): void {
    if (this.#connection.state.phase === 'parked') this.connect();
  }

  leave(): void {
    this.#membership?.forget();
    this.#membership?.left();
    if (this.#socket.connected) this.#socket.emit('leave_room', {});
  }

  /**
   * Queues a message to the present room, and tells of its fate by `outgoing`. `clientId` is the key of a discarded
   * message that this one takes the place of: should that have arrived after all, this one is refused.
   */
  send(text: string, options: SendOptions = {}): Outgoing | null {
    this.#unpark();
    return this.#membership?.send(text, options) ?? null;
  }

  retry(clientId: string): void {
    this.#membership?.outbox.retry(clientId);
  }

  discard(clientId: string): boolean {
    return this.#membership?.outbox.discard(clientId) ?? false;
  }

  typing(typing: boolean): void {
    // A server without sessions knows no typing.
    if (this.joined && this.#session) this.#socket.emit('typing', { typing });
  }

  /**
   * Asks for something in the present room: the server's acknowledgement, also if it is a refusal. Null if there is none,
   * because the connection or the room was lost or the server does not answer; then it may have happened or not.
   */
  ask<T extends object, K extends keyof ClientEvents = keyof ClientEvents>(
    event: K,
    payload: ClientEvents[K],
  ): Promise<Ack<T> | null> {
    return this.#membership?.ask<T, K>(event, payload) ?? Promise.resolve(null);
  }

  /** Messages of the present room older than `before`, oldest first; null if there is no answer. */
  async older(before: number, limit: number): Promise<HistoryBody | null> {
    const answer = await this.ask<HistoryBody>('get_history', { before, limit });
    return answer?.ok ? answer : null;
  }

  /** Asks for the list of users: no event says who goes away. */
  async refreshUsers(): Promise<void> {
    await this.#membership?.refreshUsers();
  }

  /** Makes the parts. The first `join` does so; a page that has them earlier parks before it is in a room, too. */
  equip(): Membership {
    if (this.#membership) return this.#membership;
    const { Membership, Parking } = roomParts();
    const membership = new Membership({
      socket: this.#socket,
      options: this.#options,
      session: () => this.#session,
      token: () => this.#token,
      probe: () => this.probe(),
      emit: (event, payload) => this.emit(event, payload),
    });
    this.#membership = membership;
    if (this.#options.park && 'document' in globalThis) new Parking(this, document);
    return membership;
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on('session', (session) => {
      this.#session = session;
      this.#token = session.token;
      this.emit('session', session);
    });
    socket.on('room_list', (rooms) => this.emit('rooms', Object.values(rooms)));
    socket.on('room_update', (rooms) => this.emit('rooms', Object.values(rooms)));
    socket.on('activity', (activity) => this.emit('activity', activity));
    socket.on('token_expiring', (warning) => this.emit('expiring', warning));
    socket.on('shutdown', (notice) => this.emit('shutdown', notice));
    socket.on('error', (error) => {
      if (this.#membership) this.#membership.refused(error);
      else this.emit('problem', error);
    });
  }
}
