// A server's end of a socket, for tests: what the client emitted is on `sent`, and `say` is the server speaking.

import type { SocketLike } from '../client/src/connection.js';
import type { JoinConfirm, ReceiveMessage, Session } from '../client/src/protocol.js';

interface Sent {
  event: string;
  payload: Record<string, unknown>;
  ack: (answer?: unknown) => void;
}

export class FakeSocket implements SocketLike {
  connected = false;
  active = false;
  sent: Sent[] = [];
  connects = 0;
  /** Whether a sign of life is answered. */
  alive = true;
  transport = '';
  auth: () => { token: string | null } = () => ({ token: null });
  readonly #listeners = new Map<string, ((payload: never) => void)[]>();

  on(event: string, listener: (payload: never) => void): this {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
    return this;
  }

  emit(event: string, payload: object, ack: (answer?: never) => void = () => {}): this {
    this.sent.push({ event, payload: payload as Record<string, unknown>, ack: ack as Sent['ack'] });
    if (event === 'typing' && this.alive) (ack as Sent['ack'])({ ok: true });
    return this;
  }

  connect(): this {
    this.connects += 1;
    this.active = true;
    return this;
  }

  disconnect(): this {
    if (this.connected) this.drop('io client disconnect');
    return this;
  }

  goodbye(event: string | null, payload: object): void {
    if (event) this.emit(event, payload);
    if (this.connected) this.drop('forced close');
  }

  use(transport: string): void {
    this.transport = transport;
  }

  drop(reason = 'transport close'): void {
    this.connected = false;
    this.say('disconnect', reason);
  }

  say(event: string, payload?: unknown): void {
    for (const listener of this.#listeners.get(event) ?? []) listener(payload as never);
  }

  /** The connection stands; with `session` the server is ours, without it is the plain chatroom. */
  up(session: Partial<Session> | null = {}): void {
    this.connected = true;
    this.say('connect');
    this.say('room_list', { general: { count: 0, name: 'general' }, tech: { count: 1, name: 'tech' } });
    if (session) this.say('session', { token: 't1', user_id: 'me', limits: {}, server: {}, ...session });
  }

  last(event: string): Sent {
    const found = this.sent.filter((sent) => sent.event === event).at(-1);
    if (!found) throw new Error(`no ${event} was sent`);
    return found;
  }

  count(event: string): number {
    return this.sent.filter((sent) => sent.event === event).length;
  }

  confirm(more: { [K in keyof JoinConfirm]?: JoinConfirm[K] | undefined } = {}): void {
    const base = { room: 'tech', users_count: 1, username: 'Ada', epoch: 'e1', last_id: 0, user_id: 'me' };
    this.say('join_confirm', { ...base, ...more });
  }
}

export function message(
  id: number,
  text = `m${id}`,
  more: { [K in keyof ReceiveMessage]?: ReceiveMessage[K] | undefined } = {},
): ReceiveMessage {
  return {
    ...{ id, text, sender: 'Bob', user_id: 'bob', room: 'tech' },
    ...{ timestamp: '2026-01-01T00:00:00.000Z', ...more },
  } as ReceiveMessage;
}
