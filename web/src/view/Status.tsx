// Whether an own message is sent, and why not.

import { useMemo } from 'preact/hooks';
import type { Outgoing } from '../../client/src/index.js';
import { t } from '../i18n';
import type { Store } from '../state/store';
import { seconds, useNow } from './context';
import { reason } from './refusals';

export function Status({ item, store }: { item: Outgoing; store: Store }) {
  const now = useNow(item.state === 'waiting');
  // Said once, and not with each second that passes.
  const why = useMemo(() => reason(item.failure?.code, item.retryAt), [item]);
  if (item.state === 'failed') {
    return (
      // biome-ignore lint/a11y/useSemanticElements: a fieldset would be a form where there is none
      <div class="status failed" role="group" aria-label={t('notSentFrom', { text: item.text.slice(0, 80) })}>
        <span role="alert">
          {t('notSent')}: {why}
        </span>
        <button type="button" onClick={() => store.composer.retry(item.clientId)}>
          {t('retry')}
        </button>
        <button type="button" onClick={() => store.composer.discard(item.clientId)}>
          {t('discard')}
        </button>
      </div>
    );
  }
  if (item.state === 'waiting') {
    const limited = item.failure?.code === 'rate_limited';
    const text = limited ? t('tooFast', { n: seconds(item.retryAt ?? 0, now) }) : t('busyWait');
    return <div class="status">{text}</div>;
  }
  return item.state === 'sent' ? null : <div class="status late">{t('sending')}</div>;
}
