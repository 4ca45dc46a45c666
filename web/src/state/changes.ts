// What the reader changes of messages that are there: editing and deleting. Each request answers whether the server
// has refused it, and why.

import { signal } from '@preact/signals';
import { newId } from '../../client/src/ids.js';
import type { Ack, Chat, Moderate, SearchBody, SentBody } from '../../client/src/index.js';
import { idOf, type MessageEntry, withReaction } from '../log/timeline';
import type { RoomStore } from './room';
import type { Store } from './store';

/** Why something was not done. */
export interface Refusal {
  /** The server's code, or `timeout`. */
  code: string;
  /** The server's words, for codes that the page does not know. */
  message: string;
  /** When it may be tried again. */
  until: number | null;
}

/** A message that is being edited where it stands. */
export interface Editing {
  readonly entry: MessageEntry;
  /** What it is to become; kept here so that it outlives its row. */
  text: string;
  /** The key of the change, so that a second attempt is not another one. */
  readonly clientId: string;
  /** Where the focus goes afterwards. */
  readonly from: 'composer' | 'row';
}

/** What `answer` says about its request; null if it was done. */
export function refusalOf(answer: Ack<object> | null): Refusal | null {
  if (answer?.ok) return null;
  if (!answer) return { code: 'timeout', message: '', until: null };
  const { code = 'refused', message, retry_after_ms } = answer.error;
  return { code, message, until: retry_after_ms === undefined ? null : Date.now() + retry_after_ms };
}

/** What a search has found; `before` is where it goes on, null if everything was looked at. */
export type Found = { messages: MessageEntry[]; before: number | null } | Refusal;

const FOUND_PAGE = 50;

const GONE: Refusal = { code: 'not_found', message: '', until: null };

export class ChangesStore {
  readonly editing = signal<Editing | null>(null);

  readonly #chat: Chat;
  readonly #store: Store;
  readonly #room: RoomStore;

  constructor(chat: Chat, store: Store, room: RoomStore) {
    this.#chat = chat;
    this.#store = store;
    this.#room = room;
    room.name.subscribe(() => {
      this.editing.value = null;
    });
  }

  /** Id of the message, if requests can be about it: others are of an earlier log, or of a server without ids. */
  idOf(entry: MessageEntry): number | null {
    // A server that knows roles knows changes.
    const known = this.#store.connection.session.value?.role !== undefined;
    return known && !entry.deleted ? idOf(this.#room.timeline.value, entry) : null;
  }

  /** Whether the server can do what has this name. */
  knows(feature: string): boolean {
    return this.#store.connection.session.value?.server?.features?.includes(feature) ?? false;
  }

  /** Whether the reader may moderate. */
  get moderates(): boolean {
    const role = this.#store.connection.session.value?.role;
    return role === 'moderator' || role === 'admin';
  }

  /** Whether the reader may delete the message, as far as the page knows. */
  isOwn(entry: MessageEntry): boolean {
    return entry.own && this.idOf(entry) !== null;
  }

  /** Whether the reader may still edit the message. */
  isEditable(entry: MessageEntry): boolean {
    const window = this.#store.connection.session.value?.limits.edit_window_ms;
    return this.isOwn(entry) && (window === undefined || Date.now() - entry.at < window);
  }

  /** Begins to edit `entry` in its place. */
  begin(entry: MessageEntry, from: Editing['from']): void {
    this.editing.value = { entry, text: entry.text, clientId: newId(), from };
  }

  /** Begins to edit the reader's last message; false if there is none. */
  beginLast(): boolean {
    const own = (entry: { type: string }): entry is MessageEntry =>
      entry.type === 'message' && this.isEditable(entry as MessageEntry);
    const last = this.#room.timeline.value.entries.findLast(own);
    if (last) this.begin(last, 'composer');
    return last !== undefined;
  }

  /** Gives the message that is being edited its new text. */
  async save({ entry, clientId }: Editing, text: string): Promise<Refusal | null> {
    const id = this.idOf(entry);
    if (id === null) return GONE;
    const answer = await this.#chat.ask<SentBody>('edit_message', { id, text, client_id: clientId });
    return this.#changed(answer, { of: id, kind: 'edited', text });
  }

  /** Deletes a message: the reader's own, or as a moderator. */
  async remove(entry: MessageEntry): Promise<Refusal | null> {
    const id = this.idOf(entry);
    if (id === null) return GONE;
    const answer = await (entry.own
      ? this.#chat.ask<SentBody>('delete_message', { id })
      : this.#chat.ask<SentBody>('moderate', { action: 'delete', id }));
    return this.#changed(answer, { of: id, kind: 'deleted' });
  }

  /** Reacts to a message, or takes that back. It is shown at once, and taken back if the server refuses it. */
  async react(entry: MessageEntry, emoji: string, on: boolean): Promise<Refusal | null> {
    const id = this.idOf(entry);
    if (id === null) return GONE;
    let shown = 0;
    this.#room.update(id, (now) =>
      withReaction(
        now,
        emoji,
        (count) => {
          shown = count + (on ? 1 : -1);
          return shown;
        },
        on,
      ),
    );
    const refused = refusalOf(await this.#chat.ask('react', { id, emoji, on }));
    if (!refused) return null;
    const back = on ? -1 : 1;
    // A count that came from the server meanwhile is right.
    this.#room.update(id, (now) =>
      withReaction(now, emoji, (count) => (count === shown ? count + back : count), !on),
    );
    return refused;
  }

  /** Messages of the room that have the words of `text`, newest first, from before `before`. */
  async search(text: string, before: number | null): Promise<Found> {
    const from = before === null ? {} : { before };
    const answer = await this.#chat.ask<SearchBody>('search', { text, limit: FOUND_PAGE, ...from });
    if (!answer?.ok) return refusalOf(answer) ?? GONE;
    const messages = answer.messages.map((message) => this.#room.entryOf(message));
    return { messages, before: answer.more ? (answer.before ?? answer.messages.at(-1)?.id ?? null) : null };
  }

  /** Asks for what only moderators may do. */
  async moderate(payload: Moderate): Promise<Refusal | null> {
    return refusalOf(await this.#chat.ask('moderate', payload));
  }

  /** An accepted change is shown before it comes back as an event, which says the same. */
  #changed(
    answer: Ack<SentBody> | null,
    change: { of: number; kind: 'edited' | 'deleted'; text?: string },
  ): Refusal | null {
    if (answer?.ok) {
      const room = this.#room.name.value ?? '';
      this.#room.change({
        ...change,
        room,
        id: 0,
        user_id: '',
        username: '',
        timestamp: answer.timestamp ?? '',
      });
    }
    return refusalOf(answer);
  }
}
