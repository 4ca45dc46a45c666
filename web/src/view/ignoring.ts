// Ignoring somebody, as an action of a menu.

import { t } from '../i18n';
import { ignore, isIgnored } from '../state/ignored';
import type { Action } from './actions';
import { flash } from './Flash';

/** `label` is the name with its tag. */
export function ignoring(userId: string, name: string, label: string): Action {
  const ignored = isIgnored(userId);
  return {
    label: t(ignored ? 'ignoreNot' : 'ignore', { name: label }),
    run: () => {
      ignore(userId, name, !ignored);
      if (!ignored) flash(t('isIgnored', { name: label }));
    },
  };
}
