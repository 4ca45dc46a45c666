// Reactions under a message: one tap joins in, or takes back.

import { t } from '../i18n';
import type { MessageEntry } from '../log/timeline';
import type { Store } from '../state/store';
import { openAbout } from './context';
import { Icon } from './icons';
import { react } from './reacting';

export function Reactions({ store, entry }: { store: Store; entry: MessageEntry }) {
  if (entry.reactions.length === 0) return null;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would be a form where there is none
    <div class="reactions" role="group" aria-label={t('reactions')}>
      {entry.reactions.map(({ emoji, count, mine }) => (
        <button
          key={emoji}
          type="button"
          class="chip"
          tabIndex={-1}
          aria-pressed={mine}
          aria-label={t('reactedWith', { n: count, emoji })}
          onClick={() => react(store, entry, emoji, !mine)}
        >
          <span aria-hidden="true">{emoji}</span> {count}
        </button>
      ))}
      <button
        type="button"
        class="chip"
        tabIndex={-1}
        aria-label={t('react')}
        aria-haspopup="dialog"
        onClick={() => openAbout('react', entry)}
      >
        <Icon name="react" />
      </button>
    </div>
  );
}
