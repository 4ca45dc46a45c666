// Finds messages of the room by what they say.

import { useEffect, useRef, useState } from 'preact/hooks';
import { day, t, time } from '../i18n';
import type { MessageEntry } from '../log/timeline';
import type { Found } from '../state/changes';
import { dialog, useStore } from './context';
import { Dialog } from './Dialog';
import { jumpTo } from './jump';
import { reason } from './refusals';
import { authorOf } from './who';

/** Typing pauses this long before the server is asked. */
const PAUSE_MS = 300;
/** One request looks at a part of the messages; so many are made before the reader is asked whether to go on. */
const REQUESTS = 5;
const SHOWN = 240;

interface Results {
  messages: readonly MessageEntry[];
  /** Where the search goes on; null if everything was looked at. */
  before: number | null;
  problem: string;
  busy: boolean;
}

const NOTHING: Results = { messages: [], before: null, problem: '', busy: false };

/** Searches for `text` whenever it changes; `further` goes on further back. */
function useSearch(text: string): [Results, () => void] {
  const store = useStore();
  const [results, set] = useState(NOTHING);
  const latest = useRef('');
  latest.current = text;
  const look = async (from: Results) => {
    let { messages, before } = from;
    set({ ...from, busy: true, problem: '' });
    for (let i = 0; i < REQUESTS; i += 1) {
      const found: Found = await store.changes.search(text, before);
      if (latest.current !== text) return;
      if ('code' in found) {
        set({ messages, before, problem: reason(found.code, found.until), busy: false });
        return;
      }
      messages = [...messages, ...found.messages];
      before = found.before;
      if (before === null || found.messages.length > 0) break;
    }
    set({ messages, before, problem: '', busy: false });
  };
  useEffect(() => {
    if (text === '') {
      set(NOTHING);
      return;
    }
    const timer = setTimeout(() => look(NOTHING), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return [results, () => look(results)];
}

export function Search() {
  const store = useStore();
  const [text, setText] = useState('');
  const wanted = text.trim();
  const [{ messages, before, problem, busy }, further] = useSearch(wanted);
  const close = () => {
    dialog.value = null;
  };
  const none = wanted !== '' && !busy && messages.length === 0 && problem === '';
  return (
    <Dialog title={t('search')} class="drawer at-end wider" onClose={close}>
      <input
        type="search"
        autofocus
        value={text}
        placeholder={t('searchFor')}
        aria-label={t('searchFor')}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <p class={problem ? 'error' : 'quiet'} role="status">
        {problem ||
          (busy
            ? t('searching')
            : none
              ? t('foundNothing')
              : wanted
                ? t('found', { n: messages.length })
                : '')}
      </p>
      <ul class="pins">
        {messages.map((message) => (
          <li key={message.key}>
            <button
              type="button"
              class="pinned"
              onClick={() => {
                close();
                if (message.id !== null) jumpTo(store, message.id);
              }}
            >
              <span class="quiet">
                <bdi>{authorOf(store, message)}</bdi> {day(message.at)}, {time(message.at)}
              </span>
              <span class="excerpt" dir="auto">
                {message.text.slice(0, SHOWN)}
              </span>
            </button>
          </li>
        ))}
      </ul>
      {before !== null && !busy && (
        <button type="button" onClick={further}>
          {t('searchFurther')}
        </button>
      )}
    </Dialog>
  );
}
