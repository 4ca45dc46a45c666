// Modal dialogs and drawers. The browser's own <dialog> keeps the focus in, closes on Escape and on a phone's
// Back, and gives the focus back.

import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { t } from '../i18n';
import { Icon } from './icons';
import '../styles/dialog.css';

interface DialogProps {
  title: string;
  class?: string;
  onClose: () => void;
  /** Without: the reader has to choose an action. */
  dismissible?: boolean;
  children: ComponentChildren;
}

export function Dialog({ title, class: kind = '', onClose, dismissible = true, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const opened = element.current;
    opened?.showModal();
    return () => opened?.close();
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape is the dialog's own
    <dialog
      ref={element}
      class={kind}
      aria-labelledby="dialog-title"
      onCancel={(event) => {
        event.preventDefault();
        if (dismissible) onClose();
      }}
      onClick={(event) => dismissible && event.target === element.current && onClose()}
    >
      <div class="sheet">
        <header>
          <h2 id="dialog-title">{title}</h2>
          {dismissible && (
            <button type="button" class="round" aria-label={t('close')} onClick={onClose}>
              <Icon name="close" />
            </button>
          )}
        </header>
        {children}
      </div>
    </dialog>
  );
}
