// The state of the page, by purpose. Each part turns the client module's events into signals, and what the reader does
// into calls of that module.

import { signal } from '@preact/signals';
import type { Chat } from '../../client/src/index.js';
import { ComposerStore } from './composer';
import { ConnectionStore } from './connection';
import { RoomStore } from './room';
import { SignInStore } from './sign-in';

export class Store {
  /** One line to show to the reader once, such as that a room does not exist. */
  readonly note = signal<string | null>(null);
  readonly connection: ConnectionStore;
  readonly room: RoomStore;
  readonly composer: ComposerStore;
  readonly signIn: SignInStore;

  constructor(chat: Chat) {
    this.connection = new ConnectionStore(chat, () => this.room.name.value !== null);
    this.room = new RoomStore(chat, () => ({
      name: this.signIn.name.value,
      userId: this.connection.session.value?.user_id ?? null,
    }));
    this.composer = new ComposerStore(chat, this.room);
    this.signIn = new SignInStore(chat, this);
  }
}
