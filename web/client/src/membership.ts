// The room that a chat is in or on the way to: joins, resumes, applies what arrives once and in order, and asks for
// things there. A page fetches it while the name is being typed.

import type { SocketLike } from './connection.js';
import { Cursor } from './cursor.js';
import type { ChatEvents, Joined } from './events.js';
import type { ChatOptions } from './options.js';
import { Outbox, type Outgoing, type SendOptions } from './outbox.js';
import type {
  Ack,
  ClientEvents,
  Gap,
  JoinConfirm,
  JoinRoom,
  ReceiveMessage,
  RoomMap,
  Session,
  SystemMessage,
  UsersBody,
  WireError,
} from './protocol.js';
import { Roster } from './roster.js';

const JOIN_RETRY_MS = 1_000;
const JOIN_TIMEOUT_MS = 5_000;
const ANSWER_TIMEOUT_MS = 10_000;

interface Target {
  room: string;
  username: string;
}

/** What a membership uses of its chat. */
export interface MembershipPort {
  readonly socket: SocketLike;
  readonly options: ChatOptions;
  session(): Session | null;
  token(): string | null;
  /** Asks the server for a sign of life. */
  probe(): void;
  emit<K extends keyof ChatEvents>(event: K, payload: ChatEvents[K]): void;
}

export class Membership {
  readonly outbox: Outbox;
  readonly #port: MembershipPort;
  readonly #socket: SocketLike;
  readonly #roster: Roster;
  readonly #cursors = new Map<string, Cursor>();
  /** Requests without an answer so far; the loss of the connection ends them. */
  readonly #asked = new Set<() => void>();
  #target: Target | null = null;
  #joined: Joined | null = null;
  #joinTimer: ReturnType<typeof setTimeout> | undefined;
  /** The acknowledgement of the join whose `join_confirm` comes next: only it has the lists. */
  #lists: JoinConfirm | null = null;

  constructor(port: MembershipPort) {
    this.#port = port;
    this.#socket = port.socket;
    this.outbox = new Outbox(
      {
        emit: (payload, ack) => this.#socket.emit('send_message', payload, ack),
        rejoin: () => this.request(),
        // Keys are remembered for a user, and a user is who has the token: without one, each connection is another.
        idempotent: () => port.token() !== null,
        unanswered: () => port.probe(),
        changed: (item) => port.emit('outgoing', item),
      },
      port.options.outbox,
    );
    this.#roster = new Roster(
      (users) => this.#joined && port.emit('users', { room: this.#joined.room, users }),
      () => this.refreshUsers(),
    );
    this.#listen();
  }

  /** Where this client is now, if the server counts it in. */
  get joined(): Joined | null {
    return this.#joined;
  }

  /** Whether a join or a message is under way. */
  get busy(): boolean {
    const target = this.#target;
    if (!target) return false;
    return this.outbox.waiting(target.room) > 0 || (this.#socket.connected && !this.#joined);
  }

  epoch(room: string): string | null {
    return this.#cursors.get(room)?.position?.epoch ?? null;
  }

  /** Enters `room`, now or when there is a connection. */
  join(room: string, username: string): void {
    this.#target = { room, username };
  }

  /** Wants to be in no room any more. */
  forget(): void {
    this.#target = null;
  }

  send(text: string, options: SendOptions): Outgoing | null {
    return (this.#target && this.outbox.add(this.#target.room, text, options)) ?? null;
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on('room_list', (rooms) => this.#count(rooms));
    socket.on('room_update', (rooms) => this.#count(rooms));
    socket.on('join_confirm', (confirm) => this.#confirmed(confirm));
    socket.on('receive_message', (message) => this.#received(message));
    socket.on('message_changed', (change) => {
      if (this.#cursor(change.room).accept(change.id)) this.#port.emit('changed', change);
    });
    socket.on('system_message', (notice) => this.#noticed(notice));
    socket.on('typing', (state) => {
      if (state.room !== this.#joined?.room) return;
      for (const { user_id } of state.users) this.#roster.active(user_id);
      this.#port.emit('typing', state);
    });
    socket.on('gap', (gap) => this.#gap(gap));
    socket.on('room_changed', (state) => this.#port.emit('run', state));
  }

  #count(rooms: RoomMap): void {
    const own = Object.values(rooms).find((room) => room.name === this.#joined?.room);
    if (own) this.#roster.count(own.count);
  }

  /** Asks to be let into the room that is wanted, if any. */
  request(): void {
    clearTimeout(this.#joinTimer);
    const target = this.#target;
    if (!target || !this.#socket.connected) return;
    if (this.#joined?.room !== target.room) this.left();
    const after = this.#cursor(target.room).position;
    const payload: JoinRoom = {
      room_name: target.room,
      // A token may fix the name.
      username: this.#port.session()?.name ?? target.username,
      history: this.#port.options.history,
      users: true,
      ...(after ? { after } : {}),
    };
    // Success comes as `join_confirm`, on every server; the acknowledgement comes right before it, where there is one,
    // and brings the lists or a refusal.
    this.#socket.emit('join_room', payload, (answer?: Ack<JoinConfirm>) => {
      if (answer?.ok) this.#lists = answer;
      else if (answer && this.#target === target) this.#joinRefused(target, answer.error);
    });
    this.#joinTimer = setTimeout(() => this.#port.probe(), JOIN_TIMEOUT_MS);
  }

  #joinRefused(target: Target, error: WireError): void {
    clearTimeout(this.#joinTimer);
    if (error.retry_after_ms !== undefined || error.code === 'busy' || error.code === 'unavailable') {
      this.#joinTimer = setTimeout(() => this.request(), error.retry_after_ms ?? JOIN_RETRY_MS);
      return;
    }
    // A refused change of the name leaves the room as it was.
    if (this.#joined?.room === target.room) {
      this.#target = { room: target.room, username: this.#joined.username };
    } else {
      this.#target = null;
    }
    this.#port.emit('refused', { room: target.room, error });
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
      userId: confirm.user_id ?? this.#port.session()?.user_id ?? null,
      continuity: renamed && confirm.recovered === undefined ? 'resumed' : continuity,
      epochChanged,
      lastId: confirm.last_id ?? null,
      history,
    };
    for (const message of history) this.outbox.echo(message, confirm.username);
    this.#port.emit('joined', this.#joined);
    this.#roster.reset(lists.users);
    this.outbox.open(confirm.room);
  }

  #received(message: ReceiveMessage): void {
    const joined = this.#joined;
    if (!joined || message.room !== joined.room) return;
    if (!this.#cursor(message.room).accept(message.id)) return;
    this.outbox.echo(message, joined.username);
    const live = this.#isLive(message.id);
    if (live) this.#roster.active(message.user_id);
    this.#port.emit('message', { message, live });
  }

  #noticed(notice: SystemMessage): void {
    const joined = this.#joined;
    if (!joined || (notice.room ?? joined.room) !== joined.room) return;
    if (notice.kind === 'removed' && notice.user_id === joined.userId) {
      // A moderator has removed this user, who may come back.
      this.left();
      this.#joinRefused(joined, { message: notice.text, event: 'system_message' });
      return;
    }
    if (!this.#cursor(joined.room).accept(notice.id)) return;
    this.#roster.notice(notice);
    this.#port.emit('notice', { room: joined.room, notice, live: this.#isLive(notice.id) });
  }

  #isLive(id: number | undefined): boolean {
    return id === undefined || id > (this.#joined?.lastId ?? 0);
  }

  #gap(gap: Gap): void {
    if (gap.room !== this.#joined?.room) return;
    // What a join could not resume was already told by its continuity.
    if (!this.#cursor(gap.room).accept(gap.to, gap.epoch)) return;
    this.#port.emit('gap', gap);
  }

  /** An `error` event: on the plain chatroom the only way to learn of a refusal. */
  refused(error: WireError): void {
    const target = this.#joined ? null : this.#target;
    if (target && (error.event ?? 'join_room') === 'join_room') {
      this.#joinRefused(target, error);
    } else if ((error.event ?? 'send_message') !== 'send_message' || !this.outbox.refused(error)) {
      this.#port.emit('problem', error);
    }
  }

  /** The connection or the room is lost. */
  left(): void {
    clearTimeout(this.#joinTimer);
    this.#joined = null;
    this.#lists = null;
    this.outbox.close();
    this.#roster.reset(undefined);
    for (const end of this.#asked) end();
  }

  /** Asks for the list of users: no event says who goes away. */
  async refreshUsers(): Promise<void> {
    const room = this.#joined?.room;
    const answer = await this.ask<UsersBody>('list_users', {});
    if (answer?.ok && this.#joined?.room === room) this.#roster.reset(answer.users);
  }

  /** A request about the present room; null if there is no answer, for instance because the connection was lost. */
  ask<T extends object, K extends keyof ClientEvents = keyof ClientEvents>(
    event: K,
    payload: ClientEvents[K],
  ): Promise<Ack<T> | null> {
    if (!this.#joined || !this.#port.session()) return Promise.resolve(null);
    return new Promise((resolve) => {
      const end = (answer: Ack<T> | null) => {
        clearTimeout(timer);
        this.#asked.delete(lost);
        resolve(answer);
      };
      const lost = () => end(null);
      const timer = setTimeout(() => {
        this.#port.probe();
        lost();
      }, ANSWER_TIMEOUT_MS);
      this.#asked.add(lost);
      this.#socket.emit(event, payload, (answer?: Ack<T>) => end(answer ?? null));
    });
  }

  #cursor(room: string): Cursor {
    const cursor = this.#cursors.get(room) ?? new Cursor();
    this.#cursors.set(room, cursor);
    return cursor;
  }
}
