// One person in one room at a time, over a connection that comes and goes. Joins again and resumes by itself,
// applies every message once and in order, and keeps what is to be sent until its fate is known.

import { Connection, type ConnectionState, type SocketLike } from './connection.js';
import { Cursor } from './cursor.js';
import { Emitter } from './emitter.js';
import type { ChatEvents, Joined } from './events.js';
import type { ChatOptions } from './options.js';
import type { Outbox, Outgoing } from './outbox.js';
import { roomParts } from './parts.js';
import type {
  Ack,
  Gap,
  HistoryBody,
  JoinConfirm,
  JoinRoom,
  ReceiveMessage,
  RoomMap,
  Session,
  SystemMessage,
  UsersBody,
  WireError,
} from './protocol.js';
import type { Roster } from './roster.js';

const JOIN_RETRY_MS = 1_000;
const JOIN_TIMEOUT_MS = 5_000;
/** A server that gives no sign of life for this long is not there any more. */
const PROBE_MS = 3_000;
const HISTORY_TIMEOUT_MS = 10_000;

interface Target {
  room: string;
  username: string;
}

export class Chat extends Emitter<ChatEvents> {
  readonly #socket: SocketLike;
  readonly #options: ChatOptions;
  readonly #connection: Connection;
  readonly #cursors = new Map<string, Cursor>();
  /** From the first `join` on. */
  #outbox: Outbox | null = null;
  #roster: Roster | null = null;
  #session: Session | null = null;
  #token: string | null;
  #target: Target | null = null;
  #joined: Joined | null = null;
  #joinTimer: ReturnType<typeof setTimeout> | undefined;
  /** The acknowledgement of the join whose `join_confirm` comes next: only it has the lists. */
  #lists: JoinConfirm | null = null;
  #probeTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(socket: (auth: () => { token: string | null }) => SocketLike, options: ChatOptions) {
    super();
    this.#options = options;
    this.#token = options.token;
    this.#socket = socket(() => ({ token: this.#token }));
    const backoff = { firstMs: options.firstRetryMs, maxMs: options.maxRetryMs };
    this.#connection = new Connection(this.#socket, backoff, {
      state: (state) => this.emit('connection', state),
      up: () => this.#requestJoin(),
      down: () => {
        this.#alive();
        this.#left();
      },
    });
    this.#listen();
  }

  /** Where this client is now, if the server counts it in. */
  get joined(): Joined | null {
    return this.#joined;
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
    return this.#cursors.get(room)?.position?.epoch ?? null;
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
    this.#target = null;
    this.#connection.close();
  }

  /** Enters `room`, now or when there is a connection; again after each reconnect. Answered by `joined` or `refused`. */
  join(room: string, username: string): void {
    this.equip();
    this.#target = { room, username };
    this.#unpark();
    this.#requestJoin();
  }

  /**
   * The page is being closed, reloaded or put aside. The others see that soon and not after the time that a lost
   * connection has, unless the same user is back by then. In a page only.
   */
  suspend(): void {
    if (this.#connection.state.phase !== 'online') return;
    this.#socket.goodbye(this.#joined && this.#session ? 'leave_room' : null, { closing: true });
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
    if (this.#target && this.#outbox?.waiting(this.#target.room)) return false;
    if (phase === 'online' && this.#target) {
      if (!this.#joined) return false;
      if (this.#session) this.#socket.emit('leave_room', { closing: true, away: true });
    }
    this.#connection.park();
    return true;
  }

  #unpark(): void {
    if (this.#connection.state.phase === 'parked') this.connect();
  }

  leave(): void {
    this.#target = null;
    this.#left();
    if (this.#socket.connected) this.#socket.emit('leave_room', {});
  }

  /**
   * Queues a message to the present room, and tells of its fate by `outgoing`. `clientId` is the key of a discarded
   * message that this one takes the place of: should that have arrived after all, this one is refused.
   */
  send(text: string, clientId?: string): Outgoing | null {
    this.#unpark();
    return (this.#target && this.#outbox?.add(this.#target.room, text, clientId)) ?? null;
  }

  retry(clientId: string): void {
    this.#outbox?.retry(clientId);
  }

  discard(clientId: string): boolean {
    return this.#outbox?.discard(clientId) ?? false;
  }

  typing(typing: boolean): void {
    // A server without sessions knows no typing.
    if (this.#joined && this.#session) this.#socket.emit('typing', { typing });
  }

  /** Messages of the present room older than `before`, oldest first; null where there is no answer. */
  older(before: number, limit: number): Promise<HistoryBody | null> {
    return this.#ask<HistoryBody>((ack) => this.#socket.emit('get_history', { before, limit }, ack));
  }

  /** Makes the parts. The first `join` does so; a page that has them earlier parks before it is in a room, too. */
  equip(): void {
    if (this.#outbox) return;
    const parts = roomParts();
    this.#outbox = new parts.Outbox(
      {
        emit: (payload, ack) => this.#socket.emit('send_message', payload, ack),
        rejoin: () => this.#requestJoin(),
        // Keys are remembered for a user, and a user is who has the token: without one, each connection is another.
        idempotent: () => this.#token !== null,
        unanswered: () => this.probe(),
        changed: (item) => this.emit('outgoing', item),
      },
      this.#options.outbox,
    );
    this.#roster = new parts.Roster(
      (users) => this.#joined && this.emit('users', { room: this.#joined.room, users }),
      () => this.refreshUsers(),
    );
    if (this.#options.park && 'document' in globalThis) new parts.Parking(this, document);
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on('session', (session) => {
      this.#session = session;
      this.#token = session.token;
      this.emit('session', session);
    });
    socket.on('room_list', (rooms) => this.#rooms(rooms));
    socket.on('room_update', (rooms) => this.#rooms(rooms));
    socket.on('join_confirm', (confirm) => this.#confirmed(confirm));
    socket.on('receive_message', (message) => this.#received(message));
    socket.on('message_changed', (change) => {
      if (this.#cursor(change.room).accept(change.id)) this.emit('changed', change);
    });
    socket.on('system_message', (notice) => this.#noticed(notice));
    socket.on('typing', (state) => {
      if (state.room !== this.#joined?.room) return;
      for (const { user_id } of state.users) this.#roster?.active(user_id);
      this.emit('typing', state);
    });
    socket.on('gap', (gap) => this.#gap(gap));
    socket.on('activity', (activity) => this.emit('activity', activity));
    socket.on('room_changed', (state) => this.emit('run', state));
    socket.on('token_expiring', (warning) => this.emit('expiring', warning));
    socket.on('shutdown', (notice) => this.emit('shutdown', notice));
    socket.on('error', (error) => this.#refusedByEvent(error));
  }

  #rooms(map: RoomMap): void {
    const rooms = Object.values(map);
    this.emit('rooms', rooms);
    const own = rooms.find((room) => room.name === this.#joined?.room);
    if (own) this.#roster?.count(own.count);
  }

  #requestJoin(): void {
    clearTimeout(this.#joinTimer);
    const target = this.#target;
    if (!target || !this.#socket.connected) return;
    if (this.#joined?.room !== target.room) this.#left();
    const after = this.#cursor(target.room).position;
    const payload: JoinRoom = {
      room_name: target.room,
      // A token may fix the name.
      username: this.#session?.name ?? target.username,
      history: this.#options.history,
      users: true,
      ...(after ? { after } : {}),
    };
    // Success comes as `join_confirm`, on every server; the acknowledgement comes right before it, where there is one,
    // and brings the lists or a refusal.
    this.#socket.emit('join_room', payload, (answer?: Ack<JoinConfirm>) => {
      if (answer?.ok) this.#lists = answer;
      else if (answer && this.#target === target) this.#joinRefused(target, answer.error);
    });
    this.#joinTimer = setTimeout(() => this.probe(), JOIN_TIMEOUT_MS);
  }

  #joinRefused(target: Target, error: WireError): void {
    clearTimeout(this.#joinTimer);
    if (error.retry_after_ms !== undefined || error.code === 'busy' || error.code === 'unavailable') {
      this.#joinTimer = setTimeout(() => this.#requestJoin(), error.retry_after_ms ?? JOIN_RETRY_MS);
      return;
    }
    // A refused change of the name leaves the room as it was.
    if (this.#joined?.room === target.room) {
      this.#target = { room: target.room, username: this.#joined.username };
    } else {
      this.#target = null;
    }
    this.emit('refused', { room: target.room, error });
  }

  #confirmed(confirm: JoinConfirm): void {
    const lists = this.#lists ?? confirm;
    this.#lists = null;
    // Of several joins in a row only the last one counts.
    if (confirm.room !== this.#target?.room) return;
    clearTimeout(this.#joinTimer);
    const cursor = this.#cursor(confirm.room);
    const renamed = this.#joined?.room === confirm.room;
    const { continuity, epochChanged } = cursor.join(confirm);
    // Where the server resumes, all that was missed follows as events: the newest page would hide what is before it.
    const page = continuity === 'resumed' ? [] : (lists.history ?? []);
    const history = page.filter((message) => cursor.accept(message.id));
    if (continuity !== 'resumed') cursor.accept(confirm.last_id);
    this.#target = { room: confirm.room, username: confirm.username };
    this.#joined = {
      room: confirm.room,
      username: confirm.username,
      userId: confirm.user_id ?? this.#session?.user_id ?? null,
      continuity: renamed && confirm.recovered === undefined ? 'resumed' : continuity,
      epochChanged,
      lastId: confirm.last_id ?? null,
      history,
    };
    for (const message of history) this.#outbox?.echo(message, confirm.username);
    this.emit('joined', this.#joined);
    this.#roster?.reset(lists.users);
    this.#outbox?.open(confirm.room);
  }

  #received(message: ReceiveMessage): void {
    const joined = this.#joined;
    if (!joined || message.room !== joined.room) return;
    if (!this.#cursor(message.room).accept(message.id)) return;
    this.#outbox?.echo(message, joined.username);
    const live = this.#isLive(message.id);
    if (live) this.#roster?.active(message.user_id);
    this.emit('message', { message, live });
  }

  #noticed(notice: SystemMessage): void {
    const joined = this.#joined;
    if (!joined || (notice.room ?? joined.room) !== joined.room) return;
    if (notice.kind === 'removed' && notice.user_id === joined.userId) {
      // A moderator has removed this user, who may come back.
      this.#left();
      this.#joinRefused(joined, { message: notice.text });
      return;
    }
    if (!this.#cursor(joined.room).accept(notice.id)) return;
    this.#roster?.notice(notice);
    this.emit('notice', { room: joined.room, notice, live: this.#isLive(notice.id) });
  }

  #isLive(id: number | undefined): boolean {
    return id === undefined || id > (this.#joined?.lastId ?? 0);
  }

  #gap(gap: Gap): void {
    if (gap.room !== this.#joined?.room) return;
    // What a join could not resume was already told by its continuity.
    if (!this.#cursor(gap.room).accept(gap.to, gap.epoch)) return;
    this.emit('gap', gap);
  }

  /** An `error` event: on the plain chatroom the only way to learn of a refusal. */
  #refusedByEvent(error: WireError): void {
    const joining = this.#target && !this.#joined;
    if (joining && this.#target && (error.event ?? 'join_room') === 'join_room') {
      this.#joinRefused(this.#target, error);
    } else if ((error.event ?? 'send_message') !== 'send_message' || !this.#outbox?.refused(error)) {
      this.emit('problem', error);
    }
  }

  #left(): void {
    clearTimeout(this.#joinTimer);
    this.#joined = null;
    this.#lists = null;
    this.#outbox?.close();
    this.#roster?.reset(undefined);
  }

  /** Asks for the list of users: no event says who goes away. */
  async refreshUsers(): Promise<void> {
    const room = this.#joined?.room;
    const answer = await this.#ask<UsersBody>((ack) => this.#socket.emit('list_users', {}, ack));
    if (answer && this.#joined?.room === room) this.#roster?.reset(answer.users);
  }

  /** A request whose refusal or silence is the same to the caller: nothing came. */
  #ask<T extends object>(emit: (ack: (answer?: Ack<T>) => void) => void): Promise<T | null> {
    if (!this.#joined || !this.#session) return Promise.resolve(null);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.probe();
        resolve(null);
      }, HISTORY_TIMEOUT_MS);
      emit((answer) => {
        clearTimeout(timer);
        resolve(answer?.ok ? answer : null);
      });
    });
  }

  #cursor(room: string): Cursor {
    const cursor = this.#cursors.get(room) ?? new Cursor();
    this.#cursors.set(room, cursor);
    return cursor;
  }
}
