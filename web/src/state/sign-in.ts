// Under which name the reader enters which room, and what happens when the server refuses.

import { batch, type Signal, signal } from '@preact/signals';
import type { Chat, Joined, WireError } from '../../client/src/index.js';
import { t } from '../i18n';
import { meant } from './address';
import type { ConnectionStore } from './connection';
import { prefs } from './prefs';
import { saveIn, saveTabName, tabName } from './session-store';

/** Loads what a room is kept with. */
export const loadRoomParts = () => import('./room-parts');

const LOAD_RETRY_MS = 1000;

/** What signing in reads and changes of the page. */
interface Page {
  readonly connection: ConnectionStore;
  /** The room, once it is loaded. */
  readonly inside: { readonly room: { open(room: string): void; close(): void } } | null;
  /** Whether a room can be entered. */
  equip(): boolean;
  /** One line for the reader. */
  readonly note: Signal<string | null>;
}

export class SignInStore {
  /** The room the reader is in or on the way to; null: signing in. */
  readonly room = signal<string | null>(null);
  readonly joined = signal<Joined | null>(null);
  /** What a room needs could not be loaded, and is tried again. */
  readonly loadFailed = signal(false);
  /** A moderator has banned the reader, and the connection ends. */
  readonly banned = signal(false);
  /** The name that this tab goes by, or asks for. */
  readonly name = signal(tabName() ?? prefs.name.peek());
  /** The sign-in card waits for the server: it stays until the room is entered. */
  readonly pending = signal(false);
  /** Why the server refused the last attempt. */
  readonly error = signal<WireError | null>(null);

  readonly #chat: Chat;
  readonly #page: Page;

  constructor(chat: Chat, page: Page) {
    this.#chat = chat;
    this.#page = page;
    chat.on('session', ({ name }) => {
      this.banned.value = false;
      if (name) this.name.value = name;
    });
    chat.on('joined', (joined) => this.#joined(joined));
    chat.on('refused', ({ room, error }) => this.#refused(room, error));
    chat.on('problem', (error) => {
      if (error.code === 'banned') this.banned.value = true;
      else this.#note(error);
    });
  }

  /** Enters `room` from the sign-in card. */
  submit(room: string, name: string): void {
    this.pending.value = true;
    this.enter(room, name);
  }

  /** Enters `room` under `name`, from the sign-in card or from another room. */
  enter(room: string, name = this.name.value): void {
    batch(() => {
      this.#page.inside?.room.open(room);
      this.room.value = room;
      this.joined.value = null;
      this.error.value = null;
      this.name.value = name;
    });
    this.#join(room, name);
    this.#chat.connect();
  }

  rename(name: string): void {
    const room = this.room.value;
    if (!room || name === this.name.value) return;
    this.name.value = name;
    this.#chat.join(room, name);
  }

  leave(): void {
    this.#chat.leave();
    saveIn(false);
    batch(() => {
      this.pending.value = false;
      this.#close();
    });
  }

  #close(): void {
    this.#page.inside?.room.close();
    this.room.value = null;
    this.joined.value = null;
  }

  #join(room: string, name: string): void {
    if (this.#page.equip()) {
      this.loadFailed.value = false;
      this.#chat.join(room, name);
      return;
    }
    const again = () => {
      if (this.room.value === room) this.#join(room, name);
    };
    loadRoomParts().then(again, () => {
      this.loadFailed.value = true;
      setTimeout(again, LOAD_RETRY_MS);
    });
  }

  #joined(joined: Joined): void {
    const { room, username } = joined;
    batch(() => {
      this.joined.value = joined;
      this.pending.value = false;
      this.#goBy(username);
      prefs.room.value = room;
      saveIn(true);
    });
  }

  /** The tab keeps the name. New tabs propose it too, but only once a person has chosen it. */
  #goBy(name: string): void {
    this.name.value = name;
    if (name === tabName()) return;
    saveTabName(name);
    prefs.name.value = name;
  }

  #refused(room: string, error: WireError): void {
    const { connection, note } = this.#page;
    const names = connection.rooms.value.map((info) => info.name);
    const unknown = error.code === 'unknown_room';
    const same = unknown && meant(names, room);
    if (same && same !== room) {
      // The address was written before the rooms were known.
      this.enter(same);
      return;
    }
    const other = unknown && (names.find((name) => name === 'general') ?? names[0]);
    if (other) {
      note.value = t('roomUnknown', { room, other });
      this.enter(other);
      return;
    }
    batch(() => {
      const joined = this.joined.value;
      if (joined && this.#chat.joined) {
        this.name.value = joined.username;
        this.#note(error);
        return;
      }
      this.error.value = error;
      this.pending.value = false;
      this.#close();
    });
  }

  #note({ message }: WireError): void {
    this.#page.note.value = t('joinRefused', { message });
  }
}
