// Completes @names in the composer.

import { useState } from 'preact/hooks';
import type { User } from '../../client/src/index.js';
import { compare, t } from '../i18n';
import { initials } from '../text/plain';
import { useStore } from './context';
import { hueOf, whoIn } from './who';

const SHOWN = 6;
/** Longer than a name may be. */
const REACH = 64;

/**
 * What stands between an @ and the caret, on one line and spaces included; null where there is no @. A sentence is no
 * name: it has no candidates.
 */
export function wordAt(text: string, caret: number): string | null {
  const line = text.slice(Math.max(0, caret - REACH), caret);
  const at = line.lastIndexOf('@');
  const free = at === 0 ? caret <= REACH : /[\s(]/u.test(line.charAt(at - 1));
  const word = line.slice(at + 1);
  return at < 0 || !free || /^\s|\n/u.test(word) ? null : word;
}

/** Without case and accents, so that @zoe finds Zoë. */
const folded = (text: string) =>
  text.normalize('NFKD').replace(/\p{M}/gu, '').toLocaleLowerCase().replace(/\s+/gu, ' ');

/** How well a name fits what was typed: 0 as its beginning, 1 as the beginning of one of its words, 2 within; null not at all. */
function rankOf(name: string, word: string): number | null {
  let best: number | null = null;
  for (let at = name.indexOf(word); at >= 0 && best !== 1; at = name.indexOf(word, at + 1)) {
    if (at === 0) return 0;
    best = /[\p{L}\p{N}]/u.test(name.charAt(at - 1)) ? 2 : 1;
  }
  return best;
}

/** The people whose name has `word` in it, the likeliest first. Behind a complete name and a space there are none. */
export function candidates(people: readonly User[], word: string): User[] {
  const wanted = folded(word);
  const named = people.map((user) => ({ user, name: folded(user.username) }));
  if (named.some(({ name }) => wanted === `${name} `)) return [];
  return named
    .map(({ user, name }) => ({ user, rank: rankOf(name, wanted) ?? -1 }))
    .filter(({ rank }) => rank >= 0)
    .sort((a, b) => a.rank - b.rank || compare(a.user.username, b.user.username))
    .slice(0, SHOWN)
    .map(({ user }) => user);
}

export interface SuggestionState {
  people: readonly User[];
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
  const own = store.room.joined.value?.userId;
  const others = (store.room.users.value ?? []).filter((user) => user.user_id !== own);
  const people = word === null ? [] : candidates(others, word);
  const at = Math.min(chosen, people.length - 1);
  const take = (name: string) => {
    const start = caret - (word?.length ?? 0);
    const completed = `${text.slice(0, start)}${name} ${text.slice(caret)}`;
    change(completed);
    closeFor(completed);
    choose(0);
    area.current?.focus();
  };
  const key = (event: KeyboardEvent) => {
    const person = people[at];
    if (person === undefined) return false;
    if (event.key === 'ArrowDown') choose((at + 1) % people.length);
    else if (event.key === 'ArrowUp') choose((at - 1 + people.length) % people.length);
    else if (event.key === 'Tab' || event.key === 'Enter') take(person.username);
    else if (event.key === 'Escape') closeFor(text);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  };
  const open = people.length > 0;
  const listed = {
    // A text area may not be called a combobox; this is what it may say of its list.
    'aria-autocomplete': 'list',
    'aria-haspopup': 'listbox',
    'aria-controls': open ? 'suggestions' : undefined,
    'aria-activedescendant': open ? `suggestion-${at}` : undefined,
  };
  return { people, chosen: at, key, take, close: () => closeFor(text), listed };
}

export function Suggestions({ state }: { state: SuggestionState }) {
  const who = whoIn(useStore());
  if (state.people.length === 0) return null;
  return (
    <div class="suggestions" role="listbox" id="suggestions" aria-label={t('people')}>
      {state.people.map(({ user_id, username }, i) => {
        const tag = who.tag(user_id, username);
        return (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the composer's, which keeps the focus
          <div
            key={user_id}
            id={`suggestion-${i}`}
            role="option"
            tabIndex={-1}
            aria-selected={i === state.chosen}
            style={{ '--hue': hueOf(user_id, username) }}
            onPointerDown={(event) => event.preventDefault()}
            onClick={() => state.take(username)}
          >
            <span class="disc" aria-hidden="true">
              {initials(username)}
            </span>
            <bdi class="label">{username}</bdi>
            {tag && <span class="tag">{tag}</span>}
          </div>
        );
      })}
    </div>
  );
}
