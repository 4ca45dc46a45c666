// One room that this program has joined, over a connection of its own.

import type { Chat } from './chat.js';
import type { ConnectionState } from './connection.js';
import { Emitter } from './emitter.js';
import { HubbubError } from './errors.js';
import type { Joined } from './events.js';
import { newId } from './ids.js';
import type { Outgoing, SendOptions } from './outbox.js';
import type {
  ClientEvents,
  Gap,
  HistoryBody,
  MessageChanged,
  ReceiveMessage,
  RoomChanged,
  SentBody,
  SystemMessage,
  User,
} from './protocol.js';

/** What the server says about a message that it has accepted. */
export interface Sent {
  /** The idempotency key it was sent under. */
  clientId: string;
  /** Position in the room; undefined on servers without ids. */
  id: number | undefined;
  timestamp: string;
}

export interface RoomEvents {
  /** `live` is false for messages from before the join, such as those missed while the connection was lost. */
  message: { message: ReceiveMessage; live: boolean };
  /** A message was edited or deleted. */
  changed: MessageChanged;
  /** A user joined, left or changed their name. */
  notice: { notice: SystemMessage; live: boolean };
  /** Messages that this program can no longer get. */
  gap: Gap | null;
  users: readonly User[];
  /** Users who are typing now. */
  typing: readonly User[];
  /** How the room is run has changed: topic, slow mode, lock, pins. */
  run: RoomChanged | null;
  connection: ConnectionState;
  /** The room was entered again after a lost connection, or under a new name. */
  rejoined: Joined;
  /** The room is left for good: null if `leave` or `close` was called, otherwise why. */
  closed: HubbubError | null;
}

interface Waiting {
  resolve(sent: Sent): void;
  reject(error: HubbubError): void;
}

/** Joined rooms come from `Client.join`. */
export class Room extends Emitter<RoomEvents> {
  readonly #chat: Chat;
  /** Called once, when this room needs its connection no longer. */
  readonly #ended: () => void;
  readonly #stop: (() => void)[];
  readonly #sending = new Map<string, Waiting>();
  /** Events that arrived before the caller of `join` could add listeners. */
  #held: (() => void)[] | null = [];
  #joined: Joined;
  #users: readonly User[] = [];
  #typing: readonly User[] = [];
  #run: RoomChanged | null = null;
  #closed = false;

  /** @internal */
  constructor(chat: Chat, joined: Joined, ended: () => void) {
    super();
    this.#chat = chat;
    this.#ended = ended;
    this.#joined = joined;
    this.#stop = this.#listen();
    // Runs after the handlers of the promise that `join` has returned.
    setTimeout(() => {
      const held = this.#held ?? [];
      this.#held = null;
      for (const deliver of held) deliver();
    });
  }

  /** The room's name. */
  get name(): string {
    return this.#joined.room;
  }

  /** The name that this program goes by in the room. */
  get username(): string {
    return this.#joined.username;
  }

  /** Who this program is to others; null on servers without user ids. */
  get userId(): string | null {
    return this.#joined.userId;
  }

  /** The messages that were in the room at the join, oldest first. */
  get history(): readonly ReceiveMessage[] {
    return this.#joined.history.filter((message) => 'text' in message);
  }

  /** Who is in the room, as far as the server lists them. */
  get users(): readonly User[] {
    return this.#users;
  }

  /** Who is typing in the room. */
  get typingUsers(): readonly User[] {
    return this.#typing;
  }

  /** How the room is run; null if nothing was decided about it. */
  get run(): RoomChanged | null {
    return this.#run;
  }

  get connection(): ConnectionState {
    return this.#chat.connectionState;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Sends a message; resolves when the server has accepted it. It waits while the connection is lost or the server asks
   * to slow down. `replyTo` is the id of the message that it answers. A rejected message is not sent again, but with the codes `timeout` and `unconfirmed` it may have
   * arrived: pass the error's `clientId` to send it again without doubling it.
   */
  send(text: string, { clientId = newId(), replyTo }: SendOptions = {}): Promise<Sent> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(new HubbubError('closed', `the room ${this.name} is left`, { clientId }));
        return;
      }
      if (this.#sending.has(clientId)) {
        reject(new HubbubError('conflict', 'a message with this clientId is being sent', { clientId }));
        return;
      }
      this.#sending.set(clientId, { resolve, reject });
      this.#chat.send(text, { clientId, replyTo });
    });
  }

  /**
   * Gives an own message a new text; resolves when the server has accepted it. Rejected with the server's refusal, or with
   * `timeout` if there is no answer: pass the error's `clientId` to try again without changing it twice.
   */
  async edit(id: number, text: string, { clientId = newId() }: { clientId?: string } = {}): Promise<Sent> {
    const sent = await this.#ask<SentBody>('edit_message', { id, text, client_id: clientId }, clientId);
    return { clientId, id: sent.id, timestamp: sent.timestamp };
  }

  /** Deletes an own message; resolves when the server has done so. Deleting it again does no harm. */
  async delete(id: number): Promise<void> {
    await this.#ask<SentBody>('delete_message', { id });
  }

  /** Reacts to a message with an emoji, or takes that back; resolves when the server has accepted it. */
  async react(id: number, emoji: string, on = true): Promise<void> {
    await this.#ask<SentBody>('react', { id, emoji, on });
  }

  /** Reports to the others whether this program's user is typing. */
  typing(typing: boolean): void {
    if (!this.#closed) this.#chat.typing(typing);
  }

  /** Up to `limit` messages older than the one with the id `before`, oldest first; null if there is no answer. */
  older(before: number, limit = 100): Promise<HistoryBody | null> {
    return this.#closed ? Promise.resolve(null) : this.#chat.older(before, limit);
  }

  /** Takes another name in this room; resolves when the server has accepted it. After a refusal the old one stays. */
  rename(username: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (error: HubbubError | null) => {
        for (const stop of stops) stop();
        if (error) reject(error);
        else resolve();
      };
      const closed = () => new HubbubError('closed', `the room ${this.name} is left`);
      const stops = [
        this.#chat.on('joined', () => end(null)),
        this.#chat.on('refused', ({ error }) => end(new HubbubError(error.code ?? 'refused', error.message))),
        this.on('closed', (error) => end(error ?? closed())),
      ];
      if (this.#closed) end(closed());
      else this.#chat.join(this.name, username);
    });
  }

  /** Leaves the room. Messages that were not sent yet are rejected. */
  leave(): void {
    if (this.#closed) return;
    this.#chat.leave();
    this.#close(null);
  }

  async #ask<T extends object>(
    event: keyof ClientEvents,
    payload: ClientEvents[typeof event],
    clientId?: string,
  ): Promise<T> {
    const about = clientId === undefined ? {} : { clientId };
    if (this.#closed) throw new HubbubError('closed', `the room ${this.name} is left`, about);
    const answer = await this.#chat.ask<T>(event, payload);
    if (!answer) throw new HubbubError('timeout', 'no answer from the server', about);
    if (!answer.ok) throw new HubbubError(answer.error.code ?? 'refused', answer.error.message, about);
    return answer;
  }

  #listen(): (() => void)[] {
    const chat = this.#chat;
    return [
      chat.on('joined', (joined) => this.#rejoined(joined)),
      chat.on('message', (payload) => this.#deliver('message', payload)),
      chat.on('changed', (change) => this.#deliver('changed', change)),
      chat.on('notice', ({ notice, live }) => this.#deliver('notice', { notice, live })),
      chat.on('gap', (gap) => this.#deliver('gap', gap)),
      chat.on('users', ({ users }) => {
        this.#users = users;
        this.#deliver('users', users);
      }),
      chat.on('typing', ({ users }) => {
        this.#typing = users;
        this.#deliver('typing', users);
      }),
      chat.on('run', (run) => {
        this.#run = run;
        this.#deliver('run', run);
      }),
      chat.on('outgoing', (item) => this.#outgoing(item)),
      chat.on('refused', ({ error }) => {
        if (chat.joined === null) this.#close(new HubbubError(error.code ?? 'refused', error.message));
      }),
      chat.on('connection', (state) => this.#connection(state)),
    ];
  }

  #rejoined(joined: Joined): void {
    this.#joined = joined;
    if (joined.continuity === 'broken') this.#deliver('gap', null);
    this.#deliver('rejoined', joined);
    for (const message of joined.history) {
      if ('text' in message) this.#deliver('message', { message, live: false });
    }
  }

  #connection(state: ConnectionState): void {
    this.#deliver('connection', state);
    const error = HubbubError.ofConnection(state);
    if (error) this.#close(error);
  }

  #outgoing({ clientId, state, failure, id, timestamp }: Outgoing): void {
    const waiting = this.#sending.get(clientId);
    if (!waiting || (state !== 'sent' && state !== 'failed')) return;
    this.#sending.delete(clientId);
    if (state === 'sent') {
      waiting.resolve({ clientId, id, timestamp: timestamp ?? '' });
      return;
    }
    // Otherwise the outbox would send it again after the next reconnect.
    this.#chat.discard(clientId);
    waiting.reject(new HubbubError(failure?.code ?? 'refused', failure?.message ?? 'not sent', { clientId }));
  }

  #close(error: HubbubError | null): void {
    this.#closed = true;
    for (const stop of this.#stop) stop();
    for (const [clientId, { reject }] of this.#sending) {
      this.#chat.discard(clientId);
      const { code, message } = error ?? { code: 'closed', message: `the room ${this.name} was left` };
      reject(new HubbubError(code, message, { clientId }));
    }
    this.#sending.clear();
    this.#ended();
    this.#deliver('closed', error);
  }

  #deliver<K extends keyof RoomEvents>(event: K, payload: RoomEvents[K]): void {
    if (this.#held) this.#held.push(() => this.emit(event, payload));
    else this.emit(event, payload);
  }
}
