// Leads the reader to a message, wherever in the log it is.

import { signal } from '@preact/signals';
import { t } from '../i18n';
import type { Store } from '../state/store';
import { logWindow } from '../state/window';
import { flash } from './Flash';

/** Key of the message that the log is to show and mark; null again once it does. */
export const target = signal<string | null>(null);

/** Shows the message with this id, with what is around it, and marks it. */
export async function jumpTo(store: Store, id: number): Promise<void> {
  const entry = await store.room.reach(id);
  if (!entry) {
    flash(t('failGone'));
    return;
  }
  logWindow.reveal(store.room.timeline.value.entries, entry.order);
  target.value = entry.key;
}
