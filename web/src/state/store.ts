// The state of the page, by purpose. Each part turns the client module's events into signals, and what the reader does
// into calls of that module. The room's own parts come later than the first screen's (see room-parts.ts).

import { signal } from '@preact/signals';
import type { Chat } from '../../client/src/index.js';
import type { ChangesStore } from './changes';
import type { ComposerStore } from './composer';
import { ConnectionStore } from './connection';
import type { RoomStore } from './room';
import { SignInStore } from './sign-in';

interface Inside {
  room: RoomStore;
  composer: ComposerStore;
  changes: ChangesStore;
}

let make: ((chat: Chat, store: Store) => Inside) | null = null;

/** Hands over what a room is kept with, for every store. */
export function provideInside(given: typeof make): void {
  make = given;
}

export class Store {
  /** One line to show to the reader once, such as that a room does not exist. */
  readonly note = signal<string | null>(null);
  readonly connection: ConnectionStore;
  readonly signIn: SignInStore;
  readonly #chat: Chat;
  #inside: Inside | null = null;

  constructor(chat: Chat) {
    this.#chat = chat;
    this.connection = new ConnectionStore(chat, () => this.signIn.room.value !== null);
    this.signIn = new SignInStore(chat, this);
    this.equip();
  }

  /** Whether a room can be entered: everything that it needs is loaded. */
  equip(): boolean {
    if (!make) return false;
    this.#inside ??= make(this.#chat, this);
    this.#chat.equip();
    return true;
  }

  /** The room, once it can be entered. */
  get inside(): Inside | null {
    return this.#inside;
  }

  get room(): RoomStore {
    return this.#loaded().room;
  }

  get composer(): ComposerStore {
    return this.#loaded().composer;
  }

  get changes(): ChangesStore {
    return this.#loaded().changes;
  }

  #loaded(): Inside {
    if (!this.#inside) throw new Error('provideInside() comes before the first room');
    return this.#inside;
  }
}
