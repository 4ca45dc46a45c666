// Where messages are written.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { language, t } from '../i18n';
import { draft, draftKey, saveDraft, saveDraftKey } from '../state/session-store';
import type { Store } from '../state/store';
import { TypingSignal } from '../state/typing';
import { outcomeOf } from './commands';
import { seconds, touch, useNow, useStore } from './context';
import { Icon } from './icons';
import { draftMax, lengthHint, remaining } from './length';
import { Answering } from './Quote';
import { Countdown, Rules } from './Rules';
import { Suggestions, useSuggestions } from './Suggestions';
import { isComposing } from './typing-keys';
import { label, whoIn } from './who';

const ROWS_MAX = 8;
const modified = (event: KeyboardEvent) => event.altKey || event.ctrlKey || event.metaKey || event.shiftKey;

function TypingLine({ store }: { store: Store }) {
  const who = whoIn(store);
  const names = store.room.typing.value.map((user) =>
    label(user.username, who.tag(user.user_id, user.username)),
  );
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
  const insert = store.composer.insert.value;
  useEffect(() => {
    const element = area.current;
    if (!insert || !element) return;
    store.composer.insert.value = null;
    const { value, selectionStart: at } = element;
    const before = value.slice(0, at);
    const space = before && !/\s$/.test(before) ? ' ' : '';
    set(insert.replace ? insert.text : before + space + insert.text + value.slice(at));
    element.focus();
  }, [insert, store, area, set]);
}

export function Composer() {
  const store = useStore();
  const room = store.room.name.value ?? '';
  const area = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState(() => draft(room));
  const [hint, setHint] = useState('');
  const max = draftMax(store);
  const cut = useRef(false);
  const now = useNow(store.composer.blockedUntil.value > Date.now());
  const locked = (store.room.run.value?.locked ?? false) && !store.changes.moderates;
  const paused = store.composer.blockedUntil.value > now;
  const blocked = paused || locked;
  const said = useMemo(() => text.trim(), [text]);
  const left = useMemo(() => remaining(said, store), [said, store.connection.session.value]);
  const over = left !== null && left.n < 0;
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

  const typing = useMemo(() => new TypingSignal((typing) => store.composer.typing(typing)), [store]);
  useEffect(() => () => typing.stop(), [typing]);

  const submit = () => {
    if (said === '' || over || blocked) return;
    const key = draftKey(room);
    const outcome = outcomeOf(store, said);
    if (outcome && 'problem' in outcome) {
      setHint(outcome.problem);
      return;
    }
    change('');
    setHint('');
    typing.stop();
    if (outcome) store.composer.send(outcome.send, key);
  };
  const takeBack = (): boolean => {
    const taken = store.composer.takeBack();
    if (!taken) return false;
    change(taken.text);
    saveDraftKey(room, taken.clientId);
    return true;
  };
  const keys = (event: KeyboardEvent) => {
    // While an input method composes, Enter is its own.
    if (isComposing(event) || suggestions.key(event)) return;
    if (event.key === 'Escape' && store.composer.answering.value) {
      event.preventDefault();
      store.composer.answering.value = null;
    } else if (event.key === 'Enter' && !event.shiftKey && !touch.value) {
      event.preventDefault();
      submit();
    } else if (event.key === 'ArrowUp' && text === '' && !modified(event)) {
      if (takeBack() || store.changes.beginLast()) event.preventDefault();
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
      <Rules now={now} />
      <Answering />
      <div class="box">
        <Suggestions state={suggestions} />
        <textarea
          id="composer"
          ref={area}
          // The text's own direction, but the page's for the placeholder.
          dir={text ? 'auto' : undefined}
          lang={language.value}
          value={text}
          maxLength={max}
          rows={text.split('\n', ROWS_MAX).length}
          placeholder={label}
          aria-label={label}
          aria-invalid={over}
          aria-describedby="composer-hint"
          autocomplete="off"
          enterkeyhint={touch.value ? 'enter' : 'send'}
          {...suggestions.listed}
          onInput={(event) => {
            setHint(cut.current ? t('pasteCut') : '');
            cut.current = false;
            change(event.currentTarget.value.slice(0, max));
            typing.input(event.currentTarget.value);
          }}
          onKeyDown={keys}
          onBlur={() => {
            typing.stop();
            suggestions.close();
          }}
          onPaste={(event) => {
            const pasted = event.clipboardData?.getData('text') ?? '';
            if (event.clipboardData?.files.length && !pasted) setHint(t('filesNo'));
            const { value, selectionStart, selectionEnd } = event.currentTarget;
            cut.current = value.length - (selectionEnd - selectionStart) + pasted.length > max;
          }}
        />
        <button
          type="submit"
          class="send"
          disabled={said === '' || over || blocked}
          aria-label={
            paused ? t('sendIn', { n: seconds(store.composer.blockedUntil.value, now) }) : t('send')
          }
          // The caret stays in the text, and a phone's keyboard open.
          onPointerDown={(event) => event.preventDefault()}
        >
          {paused ? <Countdown until={store.composer.blockedUntil.value} now={now} /> : <Icon name="send" />}
        </button>
      </div>
      <div class={over ? 'hint over' : 'hint'} id="composer-hint" role="status">
        {hint || lengthHint(left)}
      </div>
    </form>
  );
}
