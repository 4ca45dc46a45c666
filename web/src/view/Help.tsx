// The keyboard shortcuts, from the table that carries them out.

import { t } from '../i18n';
import { dialog } from './context';
import { Dialog } from './Dialog';
import { SHORTCUTS } from './keys';

export function Help() {
  return (
    <Dialog
      title={t('help')}
      onClose={() => {
        dialog.value = null;
      }}
    >
      <dl class="keys">
        {SHORTCUTS.map(({ keys, help }) => (
          <div key={help}>
            <dt dir="ltr">
              {keys.split(' ').map((key) => (key === '…' ? ' … ' : <kbd key={key}>{key}</kbd>))}
            </dt>
            <dd>{t(help)}</dd>
          </div>
        ))}
      </dl>
      <p class="quiet">{t('keyNotTaken')}</p>
    </Dialog>
  );
}
