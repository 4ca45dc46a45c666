// Chooses an emoji to react with: the usual ones, and a small list that can be searched.

import { useMemo, useState } from 'preact/hooks';
import { t } from '../i18n';
import { type MessageEntry, messageOf } from '../log/timeline';
import { EMOJI, type Emoji, emojiLike } from '../text/emoji';
import { about, dialog, useStore } from './context';
import { Dialog } from './Dialog';
import { QUICK, toggle } from './reacting';

/** Each emoji once, under its first name. */
const ALL = EMOJI.filter(({ emoji }, i) => EMOJI.findIndex((other) => other.emoji === emoji) === i);
const QUICK_ONES = QUICK.map((emoji) => ALL.find((other) => other.emoji === emoji) ?? { emoji, name: emoji });

export function Picker() {
  const store = useStore();
  const begun = about.value as MessageEntry | null;
  const [word, setWord] = useState('');
  const found = useMemo(() => (word.trim() ? emojiLike(word.trim(), ALL.length) : ALL), [word]);
  const close = () => {
    dialog.value = null;
  };
  if (!begun) return null;
  const entry = messageOf(store.room.timeline.value, begun.id ?? -1) ?? begun;
  const mine = new Set(entry.reactions.filter((other) => other.mine).map(({ emoji }) => emoji));
  const choice = ({ emoji, name }: Emoji) => (
    <button
      key={name}
      type="button"
      aria-pressed={mine.has(emoji)}
      aria-label={name.replaceAll('_', ' ')}
      title={name}
      onClick={() => {
        close();
        toggle(store, entry, emoji);
      }}
    >
      {emoji}
    </button>
  );
  return (
    <Dialog title={t('react')} class="picker" onClose={close}>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset would be a form where there is none */}
      <div class="emoji quick" role="group" aria-label={t('reactQuick')}>
        {QUICK_ONES.map(choice)}
      </div>
      <input
        type="search"
        value={word}
        placeholder={t('reactFind')}
        aria-label={t('reactFind')}
        onInput={(event) => setWord(event.currentTarget.value)}
      />
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset would be a form where there is none */}
      <div class="emoji" role="group" aria-label={t('reactAll')}>
        {found.map(choice)}
      </div>
    </Dialog>
  );
}
