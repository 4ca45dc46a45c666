// The newest message of each room that is listed. It is read again only when the room has new entries, and of few rooms
// at a time: a call is made for each.

import { type Signal, signal } from '@preact/signals';
import { at } from './api';
import { api } from './session';
import type { Message, Room } from './types';

const AT_A_TIME = 10;

interface Known {
  last_id: number;
  message: Message | null;
}

export class NewestMessages {
  readonly known: Signal<Readonly<Record<string, Known>>> = signal({});

  /** Reads those that are not known, of rooms with something in them. */
  async update(rooms: readonly Room[]): Promise<void> {
    const known = this.known.peek();
    const changed = rooms.filter((room) => room.last_id > 0 && known[room.name]?.last_id !== room.last_id);
    for (const { name, last_id } of changed.slice(0, AT_A_TIME)) {
      const page = await api().get<{ messages: Message[] }>(`${at('rooms', name)}/messages`, { limit: 1 });
      this.known.value = { ...this.known.peek(), [name]: { last_id, message: page.messages.at(-1) ?? null } };
    }
  }
}
