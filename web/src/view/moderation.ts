// What moderators can do to a message and its author, where they look.

import { t } from '../i18n';
import type { MessageEntry } from '../log/timeline';
import type { Store } from '../state/store';
import { type Action, remove } from './actions';
import { openAbout } from './context';
import { flash } from './Flash';
import { reason } from './refusals';
import { label } from './who';

/** What is done to people. */
export type SanctionKind = 'mute' | 'kick' | 'ban' | 'clear';

/** Whom a sanction is about. */
export interface Sanctioned {
  kind: SanctionKind;
  userId: string;
  name: string;
}

const TITLES = { mute: 'muteWho', kick: 'kickWho', ban: 'banWho', clear: 'clearWho' } as const;

export const titleOf = ({ kind, name }: Sanctioned) => t(TITLES[kind], { name });

/** Does something as a moderator, and says so where it was refused. */
export async function moderate(
  store: Store,
  payload: Parameters<Store['changes']['moderate']>[0],
): Promise<boolean> {
  const refused = await store.changes.moderate(payload);
  if (refused) flash(t('notDone', { reason: reason(refused.code, refused.until) }));
  return refused === null;
}

/** The sanctions that a moderator may choose for a person. */
export function sanctions(
  store: Store,
  userId: string | null,
  name: string,
  kinds: readonly SanctionKind[],
): Action[] {
  if (!store.changes.moderates || userId === null || userId === store.room.joined.value?.userId) return [];
  return kinds.map((kind) => {
    const about: Sanctioned = { kind, userId, name };
    return { label: titleOf(about), danger: true, run: () => openAbout('sanction', about) };
  });
}

export const isPinned = (store: Store, id: number | null) =>
  id !== null && (store.room.run.value?.pinned.includes(id) ?? false);

/** What moderators can do with a message. */
export function ofModerators(store: Store, entry: MessageEntry, tag: string): Action[] {
  const id = store.changes.idOf(entry);
  if (!store.changes.moderates || id === null) return [];
  const pinned = isPinned(store, id);
  const others: Action[] = entry.own
    ? []
    : [
        {
          label: t('delete'),
          danger: true,
          run: (now) => (now ? remove(store, entry) : openAbout('delete', entry)),
        },
        ...sanctions(store, entry.userId, label(entry.sender, tag), ['mute', 'kick', 'ban', 'clear']),
      ];
  return [
    {
      label: t(pinned ? 'unpin' : 'pin'),
      run: () => moderate(store, { action: 'pin', id, on: !pinned }),
    },
    ...others,
  ];
}
