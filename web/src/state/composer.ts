// What the reader writes: sending, taking back, and what is put into the composer from elsewhere.

import { signal } from '@preact/signals';
import type { Chat } from '../../client/src/index.js';
import type { MessageEntry } from '../log/timeline';
import type { RoomStore } from './room';
import type { Store } from './store';

/** Refusals that say from when on messages are accepted again. */
const TIMED: ReadonlySet<string> = new Set(['muted', 'slow_mode']);

export class ComposerStore {
  /** Until when the server accepts no messages. */
  readonly blockedUntil = signal(0);
  /** Until when the reader is muted, as far as a refusal has told; infinite if it has no end. */
  readonly mutedUntil = signal(0);
  /** Text put into the composer from elsewhere: a mention, a recalled message. */
  readonly insert = signal<{ text: string; replace: boolean } | null>(null);
  /** The message that the next one answers. */
  readonly answering = signal<MessageEntry | null>(null);
  /** Grows by one with each own message; the log then scrolls to its end. */
  readonly sentCount = signal(0);

  readonly #chat: Chat;
  readonly #room: RoomStore;

  constructor(chat: Chat, store: Store, room: RoomStore) {
    this.#chat = chat;
    this.#room = room;
    room.name.subscribe(() => {
      this.answering.value = null;
    });
    chat.on('outgoing', ({ state, failure, retryAt }) => {
      const code = failure?.code ?? '';
      if ((state === 'waiting' && code === 'rate_limited') || (state === 'failed' && TIMED.has(code)))
        this.blockedUntil.value = retryAt ?? 0;
      if (state === 'failed' && code === 'muted') this.mutedUntil.value = retryAt ?? Number.POSITIVE_INFINITY;
      if (state !== 'sent') return;
      this.mutedUntil.value = 0;
      const pause = store.changes.moderates ? 0 : (room.run.value?.slow_mode_s ?? 0);
      if (pause > 0) this.blockedUntil.value = Date.now() + pause * 1000;
    });
  }

  /** Sends a message, as an answer if one was begun; `clientId` is the key of one that was taken back. */
  send(text: string, clientId?: string): void {
    const replyTo = this.answering.value?.id ?? undefined;
    this.answering.value = null;
    this.#chat.send(text, { clientId, replyTo });
    this.sentCount.value += 1;
  }

  /**
   * Takes back the last own message that was not sent: removes its row and returns its text and key. A message that is
   * on its way or sent stays.
   */
  takeBack(): { text: string; clientId: string | undefined } | null {
    for (const { clientId, text, failure } of this.#room.timeline.value.pending.toReversed()) {
      if (!this.discard(clientId)) continue;
      // The server already has another text under this key.
      return { text, clientId: failure?.code === 'conflict' ? undefined : clientId };
    }
    return null;
  }

  retry(clientId: string): void {
    const item = this.#room.timeline.value.pending.find((other) => other.clientId === clientId);
    // What it answered is gone: then it answers nothing.
    if (item?.failure?.code === 'not_found' && this.discard(clientId)) this.#chat.send(item.text);
    else this.#chat.retry(clientId);
  }

  /** Forgets an unsent message; false if it is too late for that. */
  discard(clientId: string): boolean {
    if (!this.#chat.discard(clientId)) return false;
    this.#room.removePending(clientId);
    return true;
  }

  /** Reports to the others whether the reader is typing. */
  typing(typing: boolean): void {
    this.#chat.typing(typing);
  }
}
