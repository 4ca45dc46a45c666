// Modal dialogs. The browser's own <dialog> keeps the focus in, closes on Escape, and gives the focus back.

import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';
import { Icon } from '../view/icons';
import '../styles/dialog.css';
import { flash } from './flash';

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
}

export function Dialog({ title, onClose, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useLayoutEffect(() => {
    const opened = element.current;
    const before = document.activeElement;
    flash.value = null;
    opened?.showModal();
    return () => {
      opened?.close();
      // What opened it may be gone: then the focus goes to the heading, and not to nowhere.
      const lost = !(before instanceof HTMLElement) || !before.isConnected || before === document.body;
      if (lost) document.querySelector<HTMLElement>('h1')?.focus();
      else before.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <div class="sheet">
        <header>
          <h2 id={id}>{title}</h2>
          <button type="button" class="round" aria-label="Close" onClick={onClose}>
            <Icon name="close" />
          </button>
        </header>
        {children}
        {/* The page behind is out of reach: what fails while the dialog is open is said in it. */}
        <p class="error" role="status">
          {flash.value?.bad ? flash.value.text : ''}
        </p>
      </div>
    </dialog>
  );
}

interface ConfirmProps {
  title: string;
  /** What happens then. */
  children: ComponentChildren;
  /** What the button says that does it. */
  action: string;
  busy?: boolean;
  danger?: boolean;
  onConfirm: () => void;
  onClose: () => void;
}

/** Asks once before something is done. */
export function Confirm({ title, children, action, busy, danger = true, onConfirm, onClose }: ConfirmProps) {
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          if (!busy) onConfirm();
        }}
      >
        {children}
        <footer>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class={danger ? 'solid bad' : 'solid'} aria-disabled={busy}>
            {action}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
