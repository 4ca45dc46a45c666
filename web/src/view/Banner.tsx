// What stands between the reader and the server, if anything: said once, and only after a second.

import { t } from '../i18n';
import { offline, seconds, useNow, useStore } from './context';

const PATIENCE_MS = 1000;

export function Banner() {
  const store = useStore();
  const state = store.connection.value;
  const since = store.lostSince.value;
  const now = useNow(since !== null);
  const lost = since !== null && now - since >= PATIENCE_MS;
  const note = store.note.value;
  return (
    <div class="banners">
      <div role="status">
        {lost && (
          <p class="banner lost">
            <span>{t(offline.value ? 'connOffline' : 'connLost')}</span>{' '}
            <span aria-hidden="true">
              {state.phase === 'waiting' && !offline.value
                ? t(state.planned ? 'connRestart' : 'connRetry', { n: seconds(state.retryAt, now) })
                : !offline.value && t('connTrying')}
            </span>
          </p>
        )}
        {store.cameBack.value && !lost && <p class="banner back">{t('connBack')}</p>}
        {note && <p class="banner note">{note}</p>}
      </div>
      {lost && state.phase === 'waiting' && (
        <button type="button" class="link" onClick={() => store.connect()}>
          {t('connNow')}
        </button>
      )}
      {note && !lost && (
        <button
          type="button"
          class="link"
          onClick={() => {
            store.note.value = null;
          }}
        >
          {t('close')}
        </button>
      )}
    </div>
  );
}
