// Where messages are written.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { language, t } from '../i18n';
import { draft, draftKey, saveDraft, saveDraftKey } from '../state/session-store';
import type { Store } from '../state/store';
import { TypingSignal } from '../state/typing';
import { graphemes } from '../text/plain';
import { seconds, touch, useNow, useStore } from './context';
import { Icon } from './icons';
import { Suggestions, useSuggestions } from './Suggestions';
import { isComposing } from './typing-keys';
import { label, whoIn } from './who';

const DEFAULT_MAX = 2000;
const WARN_AT = 0.8;

/** Characters left, once it matters; null before. */
function remaining(text: string, store: Store): number | null {
  const limits = store.session.value?.limits;
  const max = limits ? limits.message_max_chars || Number.POSITIVE_INFINITY : DEFAULT_MAX;
  return text.length < max * WARN_AT ? null : max - graphemes(text.trim());
}

const modified = (event: KeyboardEvent) => event.altKey || event.ctrlKey || event.metaKey || event.shiftKey;

function TypingLine({ store }: { store: Store }) {
  const who = whoIn(store);
  const names = store.typing.value.map((user) => label(user.username, who.tag(user.user_id, user.username)));
  const [a = '', b = ''] = names;
  const text = [null, () => t('typing1', { a }), () => t('typing2', { a, b })][names.length];
  const shown = names.length === 0 ? '' : text ? text() : t('typingMany');
  return (
    <div class="typing" aria-live="off">
      {shown && <i class="dots" aria-hidden="true" />}
      <bdi>{shown}</bdi>
    </div>
  );
}

/** Puts text from elsewhere into the composer, where the caret is or in place of all. */
function useInsert(store: Store, area: { current: HTMLTextAreaElement | null }, set: (text: string) => void) {
  const insert = store.insert.value;
  useEffect(() => {
    const element = area.current;
    if (!insert || !element) return;
    store.insert.value = null;
    const { value, selectionStart: at } = element;
    const before = value.slice(0, at);
    const space = before && !/\s$/.test(before) ? ' ' : '';
    set(insert.replace ? insert.text : before + space + insert.text + value.slice(at));
    element.focus();
  }, [insert, store, area, set]);
}

export function Composer() {
  const store = useStore();
  const room = store.room.value ?? '';
  const area = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState(() => draft(room));
  const [hint, setHint] = useState('');
  const now = useNow(store.blockedUntil.value > Date.now());
  const blocked = store.blockedUntil.value > now;
  const left = remaining(text, store);
  const over = left !== null && left < 0;
  const change = (value: string) => {
    setText(value);
    saveDraft(room, value);
    // What is written after that is another message.
    if (value.trim() === '') saveDraftKey(room, undefined);
  };
  const suggestions = useSuggestions(area, text, change);
  useInsert(store, area, change);
  useLayoutEffect(() => {
    if (!touch.value) area.current?.focus({ preventScroll: true });
  }, []);

  const typing = useMemo(() => new TypingSignal((typing) => store.tellTyping(typing)), [store]);
  useEffect(() => () => typing.stop(), [typing]);

  const submit = () => {
    const said = text.trim();
    if (said === '' || over || blocked) return;
    const key = draftKey(room);
    change('');
    setHint('');
    typing.stop();
    store.send(said, key);
  };
  const takeBack = (): boolean => {
    const taken = store.takeBack();
    if (!taken) return false;
    change(taken.text);
    saveDraftKey(room, taken.clientId);
    return true;
  };
  const keys = (event: KeyboardEvent) => {
    // While an input method composes, Enter is its own.
    if (isComposing(event) || suggestions.key(event)) return;
    if (event.key === 'Enter' && !event.shiftKey && !touch.value) {
      event.preventDefault();
      submit();
    } else if (event.key === 'ArrowUp' && text === '' && !modified(event) && takeBack()) {
      event.preventDefault();
    }
  };
  const label = t('composer', { room: `#${room}` });
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <TypingLine store={store} />
      <div class="box">
        <Suggestions state={suggestions} />
        <textarea
          id="composer"
          ref={area}
          // The text's own direction, but the page's for the placeholder.
          dir={text ? 'auto' : undefined}
          lang={language.value}
          value={text}
          rows={Math.min(8, text.split('\n').length)}
          placeholder={label}
          aria-label={label}
          aria-invalid={over}
          aria-describedby="composer-hint"
          autocomplete="off"
          enterkeyhint={touch.value ? 'enter' : 'send'}
          {...suggestions.listed}
          onInput={(event) => {
            setHint('');
            change(event.currentTarget.value);
            typing.input(event.currentTarget.value);
          }}
          onKeyDown={keys}
          onBlur={() => {
            typing.stop();
            suggestions.close();
          }}
          onPaste={(event) => {
            if (event.clipboardData?.files.length && !event.clipboardData.getData('text'))
              setHint(t('filesNo'));
          }}
        />
        <button
          type="submit"
          class="send"
          disabled={text.trim() === '' || over || blocked}
          aria-label={blocked ? t('sendIn', { n: seconds(store.blockedUntil.value, now) }) : t('send')}
          // The caret stays in the text, and a phone's keyboard open.
          onPointerDown={(event) => event.preventDefault()}
        >
          {blocked ? seconds(store.blockedUntil.value, now) : <Icon name="send" />}
        </button>
      </div>
      <div class={over ? 'hint over' : 'hint'} id="composer-hint" role="status">
        {hint || (over ? t('tooLong', { n: -left }) : left !== null && t('left_chars', { n: left }))}
      </div>
    </form>
  );
}
