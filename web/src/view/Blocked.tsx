// The server wants no connection: nothing goes on until the reader decides.

import { t } from '../i18n';
import { useStore } from './context';
import { Dialog } from './Dialog';

export function Blocked() {
  const store = useStore();
  const state = store.connection.state.value;
  const refused = state.phase === 'refused';
  const banned = store.signIn.banned.value;
  return (
    <Dialog
      title={t(banned ? 'banned' : refused ? 'refusedTitle' : 'endedTitle')}
      onClose={() => {}}
      dismissible={false}
    >
      {!(banned && !refused) && <p>{refused ? state.message : t('endedText')}</p>}
      <button type="button" class="primary" onClick={() => store.connection.connect()}>
        {t(refused || banned ? 'connNow' : 'reconnect')}
      </button>
    </Dialog>
  );
}
