// Leads the reader to a message, wherever in the log it is.

import { signal } from '@preact/signals';
import { t } from '../i18n';
import type { Store } from '../state/store';
import { logWindow } from '../state/window';
import { flash } from './Flash';

/** Key of the message that the log is to show and mark; null again once it does. */
export const target = signal<string | null>(null);

/** Follows a link to a message, as in /tech#m123, once its room is entered; the function returned ends that. */
export function followLinks(store: Store): () => void {
  const follow = () => {
    const id = /^#m(\d{1,15})$/.exec(location.hash)?.[1];
    if (id === undefined || store.room.joined.value === null) return;
    // It is followed once: the reader goes on from there.
    history.replaceState(null, '', location.pathname);
    jumpTo(store, Number(id));
  };
  const stop = store.room.joined.subscribe(follow);
  addEventListener('hashchange', follow);
  return () => {
    stop();
    removeEventListener('hashchange', follow);
  };
}

/** Shows the message with this id, with what is around it, and marks it. */
export async function jumpTo(store: Store, id: number): Promise<void> {
  const entry = await store.room.reach(id);
  if (!entry) {
    flash(t(entry === null ? 'answeredGone' : 'failTimeout'));
    return;
  }
  logWindow.reveal(store.room.timeline.value.entries, entry.order);
  target.value = entry.key;
}
