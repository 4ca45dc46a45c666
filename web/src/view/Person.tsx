// What can be done about a person in the list.

import type { User } from '../../client/src/index.js';
import { t } from '../i18n';
import type { Store } from '../state/store';
import type { Action } from './actions';
import { about, dialog, useStore } from './context';
import { Dialog } from './Dialog';
import { ignoring } from './ignoring';
import { Items, move } from './Menu';
import { sanctions } from './moderation';
import { label } from './who';

export interface PersonShown {
  user: User;
  tag: string;
}

export function mentionOf(store: Store, { user, tag }: PersonShown): Action {
  return {
    label: t('mentionPerson', { name: label(user.username, tag) }),
    run: () => {
      store.composer.insert.value = { text: `@${user.username} `, replace: false };
    },
  };
}

export function Person() {
  const store = useStore();
  const shown = about.value as PersonShown | null;
  const close = () => {
    dialog.value = null;
  };
  if (!shown) return null;
  const { user, tag } = shown;
  const name = label(user.username, tag);
  const list = [
    mentionOf(store, shown),
    ignoring(user.user_id, user.username, name),
    ...sanctions(store, user.user_id, name, ['mute', 'kick', 'ban', 'clear']),
  ];
  return (
    <Dialog title={name} onClose={close}>
      <div role="menu" aria-label={name} onKeyDown={(event) => move(event, close)}>
        <Items list={list} close={close} />
      </div>
    </Dialog>
  );
}
