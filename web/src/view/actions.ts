// What can be done with a message: the same list for the bar over it, its menu, and the sheet on a phone.

import type { Outgoing } from '../../client/src/index.js';
import { t } from '../i18n';
import type { MessageEntry } from '../log/timeline';
import { addressOf } from '../state/address';
import { base } from '../state/base';
import type { Store } from '../state/store';
import { links, shortened } from '../text/links';
import { openAbout } from './context';
import { copyText } from './copy';
import { flash } from './Flash';
import type { IconName } from './icons';
import { ignoring } from './ignoring';
import { ofModerators } from './moderation';
import { canReact } from './reacting';
import { reason } from './refusals';
import { label } from './who';

/** A message as it is shown. */
export interface Shown {
  entry: MessageEntry;
  /** The message is still on its way. */
  item: Outgoing | null;
  /** Sets the author apart from others whose names look alike. */
  tag: string;
}

export interface Action {
  label: string;
  /** Also on the bar over the message. */
  icon?: IconName;
  /** Cannot be undone. */
  danger?: boolean;
  /** `now`: without asking first. */
  run: (now: boolean) => unknown;
}

/** Deletes a message, and says so where that was refused. */
export async function remove(store: Store, entry: MessageEntry): Promise<void> {
  const refused = await store.changes.remove(entry);
  if (refused) flash(t('notDeleted', { reason: reason(refused.code, refused.until) }));
}

function ofOwn({ entry }: Shown, store: Store): Action[] {
  if (!store.changes.isOwn(entry)) return [];
  return [
    ...(store.changes.isEditable(entry)
      ? [{ label: t('edit'), run: () => store.changes.begin(entry, 'row') }]
      : []),
    {
      label: t('delete'),
      danger: true,
      run: (now) => (now ? remove(store, entry) : openAbout('delete', entry)),
    },
  ];
}

/** Begins an answer, if the server knows answers; false if not. */
export function answer(store: Store, entry: MessageEntry): boolean {
  if (!store.changes.knows('replies') || store.changes.idOf(entry) === null) return false;
  store.composer.answering.value = entry;
  document.getElementById('composer')?.focus();
  return true;
}

function ofAnswers({ entry, item }: Shown, store: Store): Action[] {
  if (item || !store.changes.knows('replies') || store.changes.idOf(entry) === null) return [];
  const reacting: Action = {
    label: t('react'),
    icon: 'react',
    run: () => openAbout('react', entry),
  };
  return [
    ...(canReact(store, entry) ? [reacting] : []),
    { label: t('reply'), icon: 'reply', run: () => answer(store, entry) },
  ];
}

const ofIgnoring = ({ entry, tag }: Shown): Action[] =>
  entry.userId === null ? [] : [ignoring(entry.userId, entry.sender, label(entry.sender, tag))];

function ofLink(entry: MessageEntry, store: Store): Action[] {
  const id = store.changes.idOf(entry);
  if (id === null) return [];
  const link = new URL(`${addressOf(store.room.name.value, base)}#m${id}`, location.href).href;
  return [
    { label: t('copyLink'), run: async () => flash(t((await copyText(link)) ? 'copied' : 'copyFailed')) },
  ];
}

/** What the menu of a message offers, most wanted first. */
export function actions(shown: Shown, store: Store): Action[] {
  const { entry, item, tag } = shown;
  if (entry.deleted) return [];
  const copy: Action = {
    label: t('copy'),
    icon: 'copy',
    run: async () => flash(t((await copyText(entry.text)) ? 'copied' : 'copyFailed')),
  };
  const mention: Action = {
    label: t('mentionPerson', { name: label(entry.sender, tag) }),
    run: () => {
      store.composer.insert.value = { text: `@${entry.sender} `, replace: false };
    },
  };
  const opened: Action[] = links(entry.text).map(({ href }) => ({
    label: t('openLink', { link: shortened(href) }),
    run: () => void window.open(href, '_blank', 'noopener,noreferrer'),
  }));
  const failed = item?.state === 'failed' ? item.clientId : null;
  const again: Action[] = failed
    ? [
        { label: t('retry'), run: () => store.composer.retry(failed) },
        { label: t('discard'), run: () => store.composer.discard(failed) },
      ]
    : [];
  return [
    ...ofAnswers(shown, store),
    copy,
    ...(item ? [] : ofLink(entry, store)),
    ...(entry.own ? [] : [mention, ...ofIgnoring(shown)]),
    ...opened.slice(0, 4),
    ...again,
    ...(item ? [] : [...ofOwn(shown, store), ...ofModerators(store, entry, tag)]),
  ];
}
