// Completes @names in the composer.

import { useState } from 'preact/hooks';
import { compare, t } from '../i18n';
import { useStore } from './context';

const SHOWN = 6;

/** The @word before the caret, without its sign; null where there is none. */
export function wordAt(text: string, caret: number): string | null {
  return /(?:^|[\s(])@([^\s@]*)$/u.exec(text.slice(0, caret))?.[1] ?? null;
}

export function candidates(names: readonly string[], word: string): string[] {
  const begins = (name: string) => name.toLocaleLowerCase().startsWith(word.toLocaleLowerCase());
  return [...new Set(names)].filter(begins).sort(compare).slice(0, SHOWN);
}

export interface SuggestionState {
  names: readonly string[];
  chosen: number;
  /** Handles a key of the composer; true if it was ours. */
  key: (event: KeyboardEvent) => boolean;
  take: (name: string) => void;
  close: () => void;
  /** What the textarea says about itself. */
  listed: Record<string, string | boolean | undefined>;
}

export function useSuggestions(
  area: { current: HTMLTextAreaElement | null },
  text: string,
  change: (text: string) => void,
): SuggestionState {
  const store = useStore();
  const [chosen, choose] = useState(0);
  const [closedFor, closeFor] = useState<string | null>(null);
  const caret = area.current?.selectionStart ?? text.length;
  const word = text === closedFor ? null : wordAt(text, caret);
  const own = store.joined.value?.userId;
  const people = (store.users.value ?? [])
    .filter((user) => user.user_id !== own)
    .map((user) => user.username);
  const names = word === null ? [] : candidates(people, word);
  const at = Math.min(chosen, names.length - 1);
  const take = (name: string) => {
    const start = caret - (word?.length ?? 0);
    const completed = `${text.slice(0, start)}${name} ${text.slice(caret)}`;
    change(completed);
    closeFor(completed);
    choose(0);
    area.current?.focus();
  };
  const key = (event: KeyboardEvent) => {
    const name = names[at];
    if (name === undefined) return false;
    if (event.key === 'ArrowDown') choose((at + 1) % names.length);
    else if (event.key === 'ArrowUp') choose((at - 1 + names.length) % names.length);
    else if (event.key === 'Tab' || event.key === 'Enter') take(name);
    else if (event.key === 'Escape') closeFor(text);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  };
  const open = names.length > 0;
  const listed = {
    // A text area may not be called a combobox; this is what it may say of its list.
    'aria-autocomplete': 'list',
    'aria-haspopup': 'listbox',
    'aria-controls': open ? 'suggestions' : undefined,
    'aria-activedescendant': open ? `suggestion-${at}` : undefined,
  };
  return { names, chosen: at, key, take, close: () => closeFor(text), listed };
}

export function Suggestions({ state }: { state: SuggestionState }) {
  if (state.names.length === 0) return null;
  return (
    <div class="suggestions" role="listbox" id="suggestions" aria-label={t('people')}>
      {state.names.map((name, i) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the composer's, which keeps the focus
        <div
          key={name}
          id={`suggestion-${i}`}
          role="option"
          tabIndex={-1}
          aria-selected={i === state.chosen}
          onPointerDown={(event) => event.preventDefault()}
          onClick={() => state.take(name)}
        >
          <bdi>{name}</bdi>
        </div>
      ))}
    </div>
  );
}
