// The menu of a message, beside it; on a phone a sheet at the bottom.

import { t } from '../i18n';
import type { Store } from '../state/store';
import { type Action, actions, type Shown } from './actions';
import { about, dialog, useStore } from './context';
import { Dialog } from './Dialog';
import { canReact, QUICK, toggle } from './reacting';

const focusOnce = (element: HTMLElement | null) => element?.focus();

/** The arrows move through the menu, and wrap around. */
export function move(event: KeyboardEvent, close: () => void): void {
  const items = [...(event.currentTarget as HTMLElement).querySelectorAll('button')];
  const at = items.indexOf(document.activeElement as HTMLButtonElement);
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) items.at((at + step) % items.length)?.focus();
  else if (event.key === 'Home') items[0]?.focus();
  else if (event.key === 'End') items.at(-1)?.focus();
  else if (event.key === 'Escape' || event.key === 'Tab') close();
  if (step || ['Escape', 'Home', 'End'].includes(event.key)) event.preventDefault();
  event.stopPropagation();
}

export function Items({ list, close }: { list: readonly Action[]; close: () => void }) {
  return (
    <>
      {list.map((action, i) => (
        <button
          key={action.label}
          type="button"
          role="menuitem"
          class={action.danger ? 'danger' : undefined}
          // In a dialog, which is opened only after this.
          autofocus={i === 0}
          ref={i === 0 ? focusOnce : null}
          onClick={(event) => {
            // First, since what is run may open something else.
            close();
            action.run(event.shiftKey);
          }}
        >
          {action.label}
        </button>
      ))}
    </>
  );
}

export function Menu({ shown, store, close }: { shown: Shown; store: Store; close: () => void }) {
  return (
    <div class="menu" role="menu" aria-label={t('actions')} onKeyDown={(event) => move(event, close)}>
      <Items list={actions(shown, store)} close={close} />
    </div>
  );
}

/** What a long press opens. */
export function MessageSheet() {
  const store = useStore();
  const shown = about.value as Shown | null;
  const close = () => {
    dialog.value = null;
  };
  if (!shown) return null;
  return (
    <Dialog title={t('actions')} class="bottom" onClose={close}>
      <blockquote class="quoted" dir="auto">
        {shown.entry.text}
      </blockquote>
      {canReact(store, shown.entry) && (
        <div class="emoji quick">
          {QUICK.map((emoji) => (
            <button
              key={emoji}
              type="button"
              aria-label={t('reactWith', { emoji })}
              onClick={() => {
                close();
                toggle(store, shown.entry, emoji);
              }}
            >
              {emoji}
            </button>
          ))}
        </div>
      )}
      <div role="menu" aria-label={t('actions')} onKeyDown={(event) => move(event, close)}>
        <Items list={actions(shown, store)} close={close} />
      </div>
    </Dialog>
  );
}
