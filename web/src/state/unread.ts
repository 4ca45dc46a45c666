// Unread counts as signals, stored with the read marks and shared with the other tabs.

import { signal } from '@preact/signals';
import { type Count, NOTHING, UnreadCounter } from '../log/unread';
import { STORAGE_PREFIX } from './base';
import { prefs } from './prefs';

interface TabNews {
  room: string;
  news: Count;
}

export class Unread extends UnreadCounter {
  readonly here;
  readonly newest;
  readonly newFrom;
  /** Unseen in rooms that are open in other tabs. */
  readonly elsewhere = signal<Readonly<Record<string, Count>>>({});

  constructor() {
    const here = signal(NOTHING);
    const newest = signal<Readonly<Record<string, number>>>({});
    const newFrom = signal<number | null>(null);
    const channel = 'BroadcastChannel' in globalThis ? new BroadcastChannel(`${STORAGE_PREFIX}unread`) : null;
    super({ here, newest, newFrom, marks: prefs.read }, (room, news) =>
      channel?.postMessage({ room, news } satisfies TabNews),
    );
    this.here = here;
    this.newest = newest;
    this.newFrom = newFrom;
    channel?.addEventListener('message', ({ data }: MessageEvent<TabNews>) => {
      this.elsewhere.value = { ...this.elsewhere.value, [data.room]: data.news };
    });
  }
}
