// What this client wants said. Each room has a queue; only the head of the open room's queue is on the wire, so a
// retry can never overtake what was written before it. An item leaves the queue when the server acknowledged or
// refused it, or when its own echo came back; a lost connection puts it back to where it was.

import { newId } from './ids.js';
import type { Ack, ReceiveMessage, SendMessage, SentBody, WireError } from './protocol.js';

export type OutgoingState = 'queued' | 'sending' | 'waiting' | 'sent' | 'failed';

/** Why an item failed: a refusal of the server's, or ours. */
export type FailureCode = NonNullable<WireError['code']> | 'timeout' | 'unconfirmed' | 'refused';

export interface Failure {
  code: FailureCode;
  message: string;
}

/** One own message on its way. Replaced, never changed, so that it can be compared by identity. */
export interface Outgoing {
  readonly clientId: string;
  readonly room: string;
  readonly text: string;
  readonly createdAt: number;
  /** Id of the message that this one answers. */
  readonly replyTo?: number;
  readonly state: OutgoingState;
  /** `waiting`: when it is tried again; `failed`: when the server would accept it. */
  readonly retryAt?: number;
  /** `waiting` and `failed`: why. */
  readonly failure?: Failure;
  /** `sent`: where it is in the room, if the server says so. */
  readonly id?: number;
  readonly timestamp?: string;
}

export interface SendOptions {
  /** The key of the message; of one that was discarded, if this one takes its place. */
  clientId?: string | undefined;
  /** Id of the message that this one answers. */
  replyTo?: number | undefined;
}

export interface OutboxPort {
  /** Puts one message on the wire. */
  emit(payload: SendMessage, ack: (answer?: Ack<SentBody>) => void): void;
  /** The server no longer counts us in: join again, then `open` is called. */
  rejoin(): void;
  /** Whether the server drops a repeated `client_id`; where not, nothing is ever sent twice unasked. */
  idempotent(): boolean;
  /** The server has not answered in time: is it still there? */
  unanswered(): void;
  changed(item: Outgoing): void;
}

export interface OutboxLimits {
  /** An attempt without an answer is made again after this. */
  ackTimeoutMs: number;
  /** An item without an outcome fails after this much time on a working connection. */
  deadlineMs: number;
  /** How long a server that says `busy`, `rate_limited` or `unavailable` is asked again. */
  retryWindowMs: number;
  /** Items that may wait in all rooms together; more are refused at once. */
  capacity: number;
}

/** A message as it comes back; one that was deleted meanwhile has no text. */
type Echo = Pick<ReceiveMessage, 'room' | 'timestamp'> & Partial<ReceiveMessage>;

const TRANSIENT: ReadonlySet<string> = new Set(['rate_limited', 'busy', 'unavailable']);
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;

interface Job {
  item: Outgoing;
  /** Attempts made; tells a late answer of an earlier attempt from the present one's. */
  attempt: number;
  refusals: number;
  firstTriedAt: number | null;
  /** Since when attempts have met silence. */
  silentSince: number | null;
}

export class Outbox {
  readonly #port: OutboxPort;
  readonly #limits: OutboxLimits;
  readonly #queues = new Map<string, Job[]>();
  /** Failed items, kept for `retry` and because their echo may still come. */
  readonly #failed = new Map<string, Job>();
  #open: string | null = null;
  #inFlight: Job | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(port: OutboxPort, limits: OutboxLimits) {
    this.#port = port;
    this.#limits = limits;
  }

  get size(): number {
    let size = 0;
    for (const queue of this.#queues.values()) size += queue.length;
    return size;
  }

  /** Items of `room` that are neither sent nor failed. */
  waiting(room: string): number {
    return this.#queues.get(room)?.length ?? 0;
  }

  /** Queues a message. `clientId` is the key of one that was discarded, so that it cannot be there twice. */
  add(room: string, text: string, { clientId = newId(), replyTo }: SendOptions = {}): Outgoing {
    const answers = replyTo === undefined ? {} : { replyTo };
    const item: Outgoing = { clientId, room, text, createdAt: Date.now(), ...answers, state: 'queued' };
    const job: Job = { item, attempt: 0, refusals: 0, firstTriedAt: null, silentSince: null };
    if (this.size >= this.#limits.capacity) {
      this.#fail(job, { code: 'busy', message: 'Too many messages are waiting' });
    } else {
      this.#port.changed(job.item);
      this.#enqueue(job);
    }
    return job.item;
  }

  /** Sends a failed item again, under its old key, behind what is queued now. */
  retry(clientId: string): void {
    const job = this.#failed.get(clientId);
    if (!job) return;
    this.#failed.delete(clientId);
    job.refusals = 0;
    job.firstTriedAt = null;
    job.silentSince = null;
    this.#set(job, { state: 'queued', createdAt: Date.now() });
    this.#enqueue(job);
  }

  /** Forgets an item that is failed or not yet on the wire; false if it is too late for that. */
  discard(clientId: string): boolean {
    if (this.#failed.delete(clientId)) return true;
    for (const queue of this.#queues.values()) {
      const at = queue.findIndex((job) => job.item.clientId === clientId && job !== this.#inFlight);
      if (at < 0) continue;
      queue.splice(at, 1);
      this.#pump();
      return true;
    }
    return false;
  }

  /**
   * `room` is joined: its queue may flow. What failed for want of an answer is tried again where the server drops what it
   * has already.
   */
  open(room: string): void {
    this.#open = room;
    if (this.#port.idempotent()) this.#revive(room);
    this.#pump();
  }

  #revive(room: string): void {
    const jobs = [...this.#failed.values()].filter(
      ({ item }) => item.room === room && item.failure?.code === 'timeout',
    );
    for (const job of jobs) {
      this.#failed.delete(job.item.clientId);
      job.firstTriedAt = null;
      job.silentSince = null;
      this.#set(job, { state: 'queued' });
    }
    const queue = [...jobs, ...(this.#queues.get(room) ?? [])];
    this.#queues.set(
      room,
      queue.sort((a, b) => a.item.createdAt - b.item.createdAt),
    );
  }

  /** The connection or the room is lost: what was on the wire goes back to the head of its queue. */
  close(): void {
    this.#open = null;
    clearTimeout(this.#timer);
    const job = this.#inFlight;
    this.#inFlight = null;
    if (!job) return;
    job.attempt += 1;
    job.silentSince = null;
    if (this.#port.idempotent()) this.#set(job, { state: 'queued' });
    else this.#finish(job, { code: 'unconfirmed', message: 'The connection was lost before an answer came' });
  }

  /** A message of the room came in: if it is one of ours it is sent now. */
  echo(message: Echo, username: string): Outgoing | null {
    const job = this.#mine(message, username);
    if (!job) return null;
    this.#failed.delete(job.item.clientId);
    this.#settle(job, message.id, message.timestamp);
    return job.item;
  }

  #mine(message: Echo, username: string): Job | undefined {
    const jobs = [...this.#failed.values(), ...(this.#queues.get(message.room) ?? [])];
    if (message.client_id !== undefined) {
      return jobs.find((job) => job.item.clientId === message.client_id);
    }
    // A server without keys: the oldest own text that was tried and reads the same.
    const same = (job: Job) =>
      job.attempt > 0 && job.item.room === message.room && job.item.text === message.text;
    return message.id === undefined && message.sender === username ? jobs.find(same) : undefined;
  }

  #enqueue(job: Job): void {
    const queue = this.#queues.get(job.item.room) ?? [];
    queue.push(job);
    this.#queues.set(job.item.room, queue);
    this.#pump();
  }

  #pump(): void {
    if (this.#inFlight || this.#open === null) return;
    const job = this.#queues.get(this.#open)?.[0];
    if (!job) return;
    const wait = (job.item.retryAt ?? 0) - Date.now();
    clearTimeout(this.#timer);
    if (job.item.state === 'waiting' && wait > 0) {
      this.#timer = setTimeout(() => this.#pump(), wait);
      return;
    }
    this.#attempt(job);
  }

  #attempt(job: Job): void {
    this.#inFlight = job;
    job.attempt += 1;
    job.firstTriedAt ??= Date.now();
    job.silentSince ??= Date.now();
    const attempt = job.attempt;
    this.#set(job, { state: 'sending' });
    this.#timer = setTimeout(() => this.#unanswered(job), this.#limits.ackTimeoutMs);
    const { text, clientId, replyTo } = job.item;
    const answers = replyTo === undefined ? {} : { reply_to: replyTo };
    this.#port.emit({ text, client_id: clientId, ...answers }, (answer) => {
      // The plain chatroom acknowledges with nothing: its answer is the echo.
      if (typeof answer !== 'object' || answer === null) return;
      // Good news is true whenever it comes, a refusal only of the attempt that it answers.
      if (answer.ok) this.#acknowledged(job, answer);
      else if (this.#inFlight === job && job.attempt === attempt) this.refused(answer.error);
    });
  }

  #acknowledged(job: Job, answer: SentBody): void {
    if (job.item.state === 'sent') return;
    this.#failed.delete(job.item.clientId);
    this.#settle(job, answer.id, answer.timestamp);
  }

  /** The server refused what is on the wire. */
  refused(error: WireError): boolean {
    const job = this.#inFlight;
    if (!job) return false;
    const failure: Failure = { code: error.code ?? 'refused', message: error.message };
    job.refusals += 1;
    job.silentSince = null;
    if (error.code === 'not_in_room' && job.refusals < 4) {
      this.#ground();
      this.#set(job, { state: 'queued' });
      this.#open = null;
      this.#port.rejoin();
      return true;
    }
    const patient = Date.now() - (job.firstTriedAt ?? 0) < this.#limits.retryWindowMs;
    if (TRANSIENT.has(failure.code) && patient) {
      const backoff = Math.min(FIRST_WAIT_MS * 2 ** (job.refusals - 1), LONGEST_WAIT_MS);
      this.#ground();
      this.#set(job, { state: 'waiting', failure, retryAt: Date.now() + (error.retry_after_ms ?? backoff) });
      this.#pump();
      return true;
    }
    const { retry_after_ms } = error;
    this.#finish(job, failure, retry_after_ms === undefined ? {} : { retryAt: Date.now() + retry_after_ms });
    return true;
  }

  #unanswered(job: Job): void {
    const spent = Date.now() - (job.silentSince ?? 0);
    if (spent >= this.#limits.deadlineMs || !this.#port.idempotent()) {
      this.#finish(job, { code: 'timeout', message: 'No answer from the server' });
      return;
    }
    this.#port.unanswered();
    // No sign of life at all ends the connection, and this attempt with it.
    this.#attempt(job);
  }

  /** Takes the item off the wire. */
  #ground(): void {
    clearTimeout(this.#timer);
    this.#inFlight = null;
  }

  #settle(job: Job, id: number | undefined, timestamp: string): void {
    this.#leave(job);
    this.#set(job, { state: 'sent', timestamp, ...(id === undefined ? {} : { id }) });
    this.#pump();
  }

  #finish(job: Job, failure: Failure, more: Pick<Outgoing, 'retryAt'> = {}): void {
    this.#leave(job);
    this.#fail(job, failure, more);
    this.#pump();
  }

  #fail(job: Job, failure: Failure, more: Pick<Outgoing, 'retryAt'> = {}): void {
    this.#failed.set(job.item.clientId, job);
    this.#set(job, { state: 'failed', failure, ...more });
  }

  #leave(job: Job): void {
    if (this.#inFlight === job) this.#ground();
    const queue = this.#queues.get(job.item.room);
    const at = queue?.indexOf(job) ?? -1;
    if (at >= 0) queue?.splice(at, 1);
  }

  #set(job: Job, change: Pick<Outgoing, 'state'> & Partial<Outgoing>): void {
    const { clientId, room, text, createdAt, replyTo } = job.item;
    const answers = replyTo === undefined ? {} : { replyTo };
    job.item = { clientId, room, text, createdAt, ...answers, ...change };
    this.#port.changed(job.item);
  }
}
