// A message of one's own while it is being edited, where it stands and by the composer's rules.

import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { language, t } from '../i18n';
import type { Editing } from '../state/changes';
import { touch, useStore } from './context';
import { draftMax, lengthHint, remaining } from './length';
import { reason } from './refusals';
import { isComposing } from './typing-keys';

const ROWS_MAX = 12;

export function Editor({ editing }: { editing: Editing }) {
  const store = useStore();
  const area = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState(editing.text);
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const said = useMemo(() => text.trim(), [text]);
  const left = useMemo(() => remaining(said, store), [said, store.connection.session.value]);
  const over = left !== null && left.n < 0;
  const max = draftMax(store);

  useLayoutEffect(() => {
    const element = area.current;
    element?.focus();
    element?.setSelectionRange(element.value.length, element.value.length);
    element?.scrollIntoView({ block: 'nearest' });
  }, []);

  const close = () => {
    if (store.changes.editing.peek() !== editing) return;
    store.changes.editing.value = null;
    const row = area.current?.closest<HTMLElement>('.m');
    const next = editing.from === 'row' ? row : document.getElementById('composer');
    if (!touch.value) next?.focus({ preventScroll: true });
  };
  const save = async () => {
    if (busy || said === '' || over) return;
    if (said === editing.entry.text) {
      close();
      return;
    }
    setBusy(true);
    const refused = await store.changes.save(editing, said);
    setBusy(false);
    if (refused) setProblem(reason(refused.code, refused.until));
    else close();
  };
  const keys = (event: KeyboardEvent) => {
    if (isComposing(event)) return;
    if (event.key === 'Escape') close();
    else if (event.key === 'Enter' && !event.shiftKey && !touch.value) save();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <form
      class="editor"
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <textarea
        ref={area}
        dir="auto"
        lang={language.value}
        value={text}
        maxLength={max}
        rows={text.split('\n', ROWS_MAX).length}
        aria-label={t('editText')}
        aria-invalid={over || problem !== ''}
        aria-describedby="editor-hint"
        enterkeyhint={touch.value ? 'enter' : 'done'}
        onInput={(event) => {
          const { value } = event.currentTarget;
          editing.text = value;
          setText(value);
          setProblem('');
        }}
        onKeyDown={keys}
      />
      <div class="row">
        <span class={problem || over ? 'error' : 'quiet'} id="editor-hint" role="status">
          {problem ? t('notSaved', { reason: problem }) : lengthHint(left)}
        </span>
        <button type="button" onClick={close}>
          {t('cancel')}
        </button>
        <button type="submit" class="save" aria-disabled={busy || said === '' || over}>
          {t(busy ? 'saving' : 'save')}
        </button>
      </div>
    </form>
  );
}
