// Asks once before a message is deleted.

import { t } from '../i18n';
import type { MessageEntry } from '../log/timeline';
import { remove } from './actions';
import { about, dialog, useStore } from './context';
import { Dialog } from './Dialog';

export function Delete() {
  const store = useStore();
  const entry = about.value as MessageEntry | null;
  const close = () => {
    dialog.value = null;
  };
  if (!entry) return null;
  return (
    <Dialog title={t('deleteTitle')} onClose={close}>
      <blockquote class="quoted" dir="auto">
        {entry.text}
      </blockquote>
      <p class="quiet">{t('deleteText')}</p>
      <footer>
        <button type="button" onClick={close}>
          {t('cancel')}
        </button>
        <button
          type="button"
          class="danger"
          autofocus
          onClick={() => {
            close();
            remove(store, entry);
          }}
        >
          {t('delete')}
        </button>
      </footer>
    </Dialog>
  );
}
