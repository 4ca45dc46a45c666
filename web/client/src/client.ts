// A program in any number of rooms. The wire allows one room for each connection, so each room has a connection of its
// own; the first one is also there while no room is joined, and brings the list of rooms.

import type { Chat } from './chat.js';
import type { ConnectionState } from './connection.js';
import { Emitter } from './emitter.js';
import { HubbubError } from './errors.js';
import type { Joined } from './events.js';
import type { Activity, RoomInfo, Session, Shutdown, WireError } from './protocol.js';
import { Room } from './room.js';

const JOIN_TIMEOUT_MS = 30_000;

export interface ClientEvents {
  connection: ConnectionState;
  session: Session;
  /** The server's rooms with their counts, whenever one of them changes. */
  rooms: readonly RoomInfo[];
  /** The id of each room's newest message. */
  activity: Activity;
  /** The server is going away; all rooms are joined again when it is back. */
  shutdown: Shutdown;
  /** A refusal that answers neither a join nor a message. */
  problem: WireError;
}

export interface JoinOptions {
  /** After this time without an answer the join is given up. Default: 30 s. */
  timeoutMs?: number;
}

/** Made by `createClient`. */
export class Client extends Emitter<ClientEvents> {
  readonly #create: (token: string | null) => Chat;
  readonly #first: Chat;
  /** Connections that are in a room or on the way into one. */
  readonly #used = new Map<Chat, Room | null>();
  readonly #abort = new Map<Chat, (error: HubbubError) => void>();
  #rooms: readonly RoomInfo[] = [];

  /** @internal */
  constructor(create: (token: string | null) => Chat, token: string | null) {
    super();
    this.#create = create;
    this.#first = create(token);
    this.#listen(this.#first);
  }

  /** The server's rooms, in its order; empty until the first connection stands. */
  get rooms(): readonly RoomInfo[] {
    return this.#rooms;
  }

  /** The rooms that this program is in. */
  get joined(): readonly Room[] {
    return [...this.#used.values()].filter((room) => room !== null);
  }

  /** State of the first connection. Each joined room has its own. */
  get connection(): ConnectionState {
    return this.#first.connectionState;
  }

  get session(): Session | null {
    return this.#first.session;
  }

  /** Token of the first connection: pass it to a later client to be the same user again. */
  get token(): string | null {
    return this.#first.token;
  }

  /** Connects without joining a room: for the list of rooms. */
  connect(): void {
    this.#first.connect();
  }

  /**
   * Enters `room` as `username`; resolves when the server has let this program in. Joined rooms are entered again by
   * themselves after each lost connection.
   */
  async join(
    room: string,
    username: string,
    { timeoutMs = JOIN_TIMEOUT_MS }: JoinOptions = {},
  ): Promise<Room> {
    const chat = this.#free();
    this.#used.set(chat, null);
    try {
      return await this.#enter(chat, { room, username, timeoutMs });
    } catch (error) {
      chat.leave();
      this.#release(chat);
      throw error;
    }
  }

  /** Leaves all rooms and ends all connections. */
  close(): void {
    for (const room of this.joined) room.leave();
    for (const abort of [...this.#abort.values()]) abort(new HubbubError('closed', 'the client was closed'));
    this.#first.close();
  }

  #enter(
    chat: Chat,
    { room, username, timeoutMs }: Required<JoinOptions> & { room: string; username: string },
  ) {
    return new Promise<Room>((resolve, reject) => {
      const timer = setTimeout(
        () => end(new HubbubError('timeout', `no answer from the server for ${timeoutMs} ms`)),
        timeoutMs,
      );
      const end = (outcome: Joined | HubbubError) => {
        clearTimeout(timer);
        for (const stop of stops) stop();
        this.#abort.delete(chat);
        if (outcome instanceof HubbubError) reject(outcome);
        else resolve(this.#entered(chat, outcome));
      };
      const stops = [
        chat.on('joined', end),
        chat.on('refused', ({ error }) => end(new HubbubError(error.code ?? 'refused', error.message))),
        chat.on('connection', (state) => {
          const error = HubbubError.ofConnection(state);
          if (error) end(error);
        }),
      ];
      this.#abort.set(chat, end);
      chat.join(room, username);
      chat.connect();
    });
  }

  #entered(chat: Chat, joined: Joined): Room {
    const room = new Room(chat, joined, () => this.#release(chat));
    this.#used.set(chat, room);
    return room;
  }

  #free(): Chat {
    return this.#used.has(this.#first) ? this.#create(null) : this.#first;
  }

  #release(chat: Chat): void {
    this.#used.delete(chat);
    if (chat !== this.#first) chat.close();
  }

  #listen(chat: Chat): void {
    chat.on('connection', (state) => this.emit('connection', state));
    chat.on('session', (session) => this.emit('session', session));
    chat.on('rooms', (rooms) => {
      this.#rooms = rooms;
      this.emit('rooms', rooms);
    });
    chat.on('activity', (activity) => this.emit('activity', activity));
    chat.on('shutdown', (notice) => this.emit('shutdown', notice));
    chat.on('problem', (error) => this.emit('problem', error));
  }
}
