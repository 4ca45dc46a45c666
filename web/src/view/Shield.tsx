// The mark of those in charge. It is a drawing of the page's own, which no name can contain.

import { t } from '../i18n';
import { Icon } from './icons';

export function Shield() {
  return (
    <span class="shield" title={t('moderator')}>
      <Icon name="shield" />
      <span class="vh">{t('moderator')}</span>
    </span>
  );
}
