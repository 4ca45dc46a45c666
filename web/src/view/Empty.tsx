// A room without messages: an invitation.

import { t } from '../i18n';
import { dialog, useStore } from './context';
import { canShare, copyLink, linkTo, share } from './invite';

export function Empty() {
  const store = useStore();
  const link = linkTo(store);
  return (
    <>
      <p>{t('noMessages')}</p>
      <p class="invite">
        <button type="button" onClick={() => copyLink(link)}>
          {t('copyLink')}
        </button>
        {canShare() && (
          <button type="button" onClick={() => share(store, link)}>
            {t('share')}
          </button>
        )}
        <button
          type="button"
          aria-haspopup="dialog"
          onClick={() => {
            dialog.value = 'invite';
          }}
        >
          {t('qrCode')}
        </button>
      </p>
    </>
  );
}
