// What stands between the reader and the server, if anything: said once, and only after a second.

import { t } from '../i18n';
import { offline, seconds, useNow, useStore } from './context';
import { missing, tryAgain } from './parts';

const PATIENCE_MS = 1000;
/** A little before polling is tried, so that it can be read. */
const SLOW_MS = 4000;

export function Banner() {
  const store = useStore();
  const state = store.connection.state.value;
  const since = store.connection.lostSince.value;
  const restartAt =
    state.phase === 'online'
      ? state.restartAt
      : state.phase === 'waiting' && state.planned
        ? state.retryAt
        : null;
  const retryAt = restartAt ?? (state.phase === 'waiting' ? state.retryAt : null);
  const looking = store.connection.connectingSince.value;
  const now = useNow(since !== null || looking !== null || restartAt != null);
  // Before the first connection nothing can be lost.
  const connected = store.connection.rooms.value.length > 0;
  const lost = restartAt != null || (connected && since !== null && now - since >= PATIENCE_MS);
  const slow = !lost && looking !== null && now - looking >= SLOW_MS;
  const note = store.note.value;
  const incomplete = missing.value !== null || store.signIn.loadFailed.value;
  return (
    <div class="banners">
      <div role="status">
        {lost && (
          <p class="banner lost">
            <span>{t(offline.value ? 'connOffline' : restartAt ? 'connRestart' : 'connLost')}</span>{' '}
            {!offline.value && (
              <span aria-hidden="true">
                {retryAt
                  ? t(restartAt ? 'connRestartIn' : 'connRetry', { n: seconds(retryAt, now) })
                  : t('connTrying')}
              </span>
            )}
          </p>
        )}
        {slow && <p class="banner slow">{t(offline.value ? 'connOffline' : 'connSlow')}</p>}
        {store.connection.cameBack.value && !lost && <p class="banner back">{t('connBack')}</p>}
        {incomplete && <p class="banner slow">{t('partMissing')}</p>}
        {note && <p class="banner note">{note}</p>}
      </div>
      {(lost || slow) && state.phase === 'waiting' && (
        <button type="button" class="link" onClick={() => store.connection.connect()}>
          {t('connNow')}
        </button>
      )}
      {incomplete && (
        <button type="button" class="link" onClick={tryAgain}>
          {t('partAgain')}
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
