// Ctrl+K: type a few letters of a room's name.

import { useState } from 'preact/hooks';
import { number, t } from '../i18n';
import { dialog, useStore } from './context';
import { Dialog } from './Dialog';
import { isComposing } from './typing-keys';

export function Switcher() {
  const store = useStore();
  const [text, setText] = useState('');
  const [chosen, choose] = useState(0);
  const wanted = text.trim().toLocaleLowerCase();
  const found = store.connection.rooms.value.filter((room) => room.name.toLocaleLowerCase().includes(wanted));
  const at = Math.min(chosen, found.length - 1);
  const close = () => {
    dialog.value = null;
  };
  const go = (name: string | undefined) => {
    if (name === undefined) return;
    close();
    if (name !== store.room.name.value) store.signIn.enter(name);
  };
  const keys = (event: KeyboardEvent) => {
    if (isComposing(event)) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && found.length > 0) choose((at + step + found.length) % found.length);
    else if (event.key === 'Enter') go(found[at]?.name);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog title={t('switcher')} class="switcher" onClose={close}>
      <input
        autofocus
        role="combobox"
        aria-expanded={true}
        aria-controls="switcher-rooms"
        aria-activedescendant={`switch-${at}`}
        aria-label={t('switcher')}
        placeholder={t('switcher')}
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          choose(0);
        }}
        onKeyDown={keys}
      />
      <div role="listbox" id="switcher-rooms" class="options" aria-label={t('rooms')}>
        {found.map(({ name, count }, i) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the field's, which keeps the focus
          <div
            key={name}
            id={`switch-${i}`}
            role="option"
            tabIndex={-1}
            aria-selected={i === at}
            onClick={() => go(name)}
          >
            <span class="hash">#</span> <bdi class="label">{name}</bdi>
            <span class="count">{number(count)}</span>
          </div>
        ))}
      </div>
    </Dialog>
  );
}
