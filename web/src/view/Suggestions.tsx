// Completes @names, :emoji: and /commands in the composer.

import { signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import type { User } from '../../client/src/index.js';
import { t } from '../i18n';
import type { Store } from '../state/store';
import type { Emoji, emojiLike } from '../text/emoji';
import { initials } from '../text/plain';
import { candidates, commandAt, emojiAt, wordAt } from './candidates';
import { commandsOf } from './commands';
import { useStore } from './context';
import { hueOf, whoIn } from './who';

const EMOJI_SHOWN = 8;

/** The list of emoji, once somebody has begun to write one. */
const emoji = signal<typeof emojiLike | null>(null);

async function loadEmoji(): Promise<void> {
  try {
    emoji.value = (await import('../text/emoji')).emojiLike;
  } catch {
    // Nothing is completed; the next one that is begun tries again.
  }
}

type Option =
  | { kind: 'person'; key: string; user: User }
  | { kind: 'emoji'; key: string; emoji: Emoji }
  | { kind: 'command'; key: string; name: string; argument: string; help: string };

export interface SuggestionState {
  options: readonly Option[];
  chosen: number;
  /** Handles a key of the composer; true if it was ours. */
  key: (event: KeyboardEvent) => boolean;
  take: (option: Option) => void;
  close: () => void;
  /** What the textarea says about itself. */
  listed: Record<string, string | boolean | undefined>;
}

function people(store: Store, word: string): Option[] {
  const own = store.room.joined.value?.userId;
  const others = (store.room.users.value ?? []).filter((user) => user.user_id !== own);
  return candidates(others, word).map((user) => ({ kind: 'person', key: user.user_id, user }));
}

function commands(store: Store, word: string): Option[] {
  return commandsOf(store)
    .filter(({ name }) => name.startsWith(word.toLowerCase()))
    .map(({ name, argument, help }) => ({
      ...{ kind: 'command', key: name, name, help: t(help) },
      argument: argument && t(argument),
    }));
}

/** What may be meant by what stands before the caret, and how much of that it takes the place of. */
function meant(store: Store, text: string, caret: number): { options: Option[]; length: number } {
  const command = commandAt(text, caret);
  if (command !== null) return { options: commands(store, command), length: command.length + 1 };
  const name = emojiAt(text, caret);
  if (name !== null) {
    const found = emoji.value?.(name, EMOJI_SHOWN) ?? [];
    return {
      options: found.map((one) => ({ kind: 'emoji', key: one.name, emoji: one })),
      length: name.length + 1,
    };
  }
  const word = wordAt(text, caret);
  return { options: word === null ? [] : people(store, word), length: word?.length ?? 0 };
}

/** What is written when an option is taken. */
function written(option: Option): string {
  if (option.kind === 'person') return `${option.user.username} `;
  return option.kind === 'emoji' ? `${option.emoji.emoji} ` : `/${option.name}${option.argument ? ' ' : ''}`;
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
  const { options, length } =
    text === closedFor ? { options: [], length: 0 } : meant(store, text, Math.min(caret, text.length));
  const wantsEmoji = emoji.value === null && emojiAt(text, caret) !== null;
  useEffect(() => {
    if (wantsEmoji) loadEmoji();
  }, [wantsEmoji, text]);
  const at = Math.min(chosen, options.length - 1);
  const take = (option: Option) => {
    const start = caret - length;
    const completed = text.slice(0, start) + written(option) + text.slice(caret);
    change(completed);
    closeFor(completed);
    choose(0);
    area.current?.focus();
  };
  const key = (event: KeyboardEvent) => {
    const option = options[at];
    if (option === undefined) return false;
    // A command that is written whole is sent.
    const whole = option.kind === 'command' && text === `/${option.name}`;
    if (event.key === 'ArrowDown') choose((at + 1) % options.length);
    else if (event.key === 'ArrowUp') choose((at - 1 + options.length) % options.length);
    else if (event.key === 'Tab' || (event.key === 'Enter' && !whole)) take(option);
    else if (event.key === 'Escape') closeFor(text);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  };
  const open = options.length > 0;
  const listed = {
    // A text area may not be called a combobox; this is what it may say of its list.
    'aria-autocomplete': 'list',
    'aria-haspopup': 'listbox',
    'aria-controls': open ? 'suggestions' : undefined,
    'aria-activedescendant': open ? `suggestion-${at}` : undefined,
  };
  return { options, chosen: at, key, take, close: () => closeFor(text), listed };
}

function Shown({ option }: { option: Option }) {
  const who = whoIn(useStore());
  if (option.kind === 'emoji') {
    return (
      <>
        <span aria-hidden="true">{option.emoji.emoji}</span> <span class="label">:{option.emoji.name}:</span>
      </>
    );
  }
  if (option.kind === 'command') {
    return (
      <>
        <b>/{option.name}</b> <i class="quiet">{option.argument}</i> <span class="quiet">{option.help}</span>
      </>
    );
  }
  const { user_id, username } = option.user;
  const tag = who.tag(user_id, username);
  return (
    <>
      <span class="disc" aria-hidden="true" style={{ '--hue': hueOf(user_id, username) }}>
        {initials(username)}
      </span>
      <bdi class="label">{username}</bdi>
      {tag && <span class="tag">{tag}</span>}
    </>
  );
}

export function Suggestions({ state }: { state: SuggestionState }) {
  if (state.options.length === 0) return null;
  return (
    <div class="suggestions" role="listbox" id="suggestions" aria-label={t('suggestions')}>
      {state.options.map((option, i) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the field's, which keeps the focus
        <div
          key={option.key}
          id={`suggestion-${i}`}
          role="option"
          tabIndex={-1}
          aria-selected={i === state.chosen}
          onPointerDown={(event) => event.preventDefault()}
          onClick={() => state.take(option)}
        >
          <Shown option={option} />
        </div>
      ))}
    </div>
  );
}
