// The keyboard shortcuts, the marks and the commands, from the tables that carry them out.

import { t } from '../i18n';
import { commandsOf } from './commands';
import { dialog, useStore } from './context';
import { Dialog } from './Dialog';
import { SHORTCUTS } from './keys';
import { Text } from './Text';

/** What is written, and shown as it says. */
const MARKS = [
  '**bold**',
  '*italic*',
  '~~struck~~',
  '`code`',
  '```\ncode\n```',
  '> quote',
  '- list',
  ':smile:',
];
const SHOWN: Record<string, string> = { ':smile:': '😄' };

export function Help() {
  const store = useStore();
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
      <h3>{t('helpMarks')}</h3>
      <dl class="keys">
        {MARKS.map((mark) => (
          <div key={mark}>
            <dt dir="ltr" class="written">
              {mark}
            </dt>
            <dd>
              <Text text={SHOWN[mark] ?? mark} me="" />
            </dd>
          </div>
        ))}
      </dl>
      <h3>{t('helpCommands')}</h3>
      <dl class="keys">
        {commandsOf(store).map(({ name, argument, help }) => (
          <div key={name}>
            <dt dir="ltr" class="written">
              /{name} {argument && <i>{t(argument)}</i>}
            </dt>
            <dd>{t(help)}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
