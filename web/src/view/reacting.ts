// Reacting to messages.

import { t } from '../i18n';
import type { MessageEntry } from '../log/timeline';
import type { Store } from '../state/store';
import { flash } from './Flash';
import { reason } from './refusals';

/** What is offered first. */
export const QUICK = ['👍', '❤️', '😂', '🎉', '😮', '😢'];

export const canReact = (store: Store, entry: MessageEntry) =>
  store.changes.knows('reactions') && store.changes.idOf(entry) !== null;

/** Reacts, or takes that back, and says so where it was refused. */
export async function react(store: Store, entry: MessageEntry, emoji: string, on: boolean): Promise<void> {
  const refused = await store.changes.react(entry, emoji, on);
  if (refused) flash(t('notDone', { reason: reason(refused.code, refused.until) }));
}

/** Joins in, or takes back what the reader has reacted with before. */
export function toggle(store: Store, entry: MessageEntry, emoji: string): Promise<void> {
  return react(store, entry, emoji, !entry.reactions.some((other) => other.emoji === emoji && other.mine));
}
