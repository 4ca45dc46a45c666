// How the room is run, for those in charge: topic, slow mode, lock, pinned messages.

import { useState } from 'preact/hooks';
import { t } from '../i18n';
import { base } from '../state/base';
import { dialog, useStore } from './context';
import { Dialog } from './Dialog';
import { moderate } from './moderation';
import { PinnedList } from './Pinned';
import { duration } from './refusals';

const TOPIC_MAX = 300;
const PAUSES = [0, 5, 15, 30, 60, 300, 900, 3600, 21_600];

function Topic() {
  const store = useStore();
  const [topic, setTopic] = useState(store.room.run.value?.topic ?? '');
  const submit = (event: Event) => {
    event.preventDefault();
    moderate(store, { action: 'topic', text: topic.trim() });
  };
  return (
    <form class="row" onSubmit={submit}>
      <label class="field">
        <span>{t('topic')}</span>
        <input
          value={topic}
          maxLength={TOPIC_MAX}
          dir="auto"
          onInput={(event) => setTopic(event.currentTarget.value)}
        />
      </label>
      <button type="submit">{t('save')}</button>
    </form>
  );
}

export function Moderation() {
  const store = useStore();
  const run = store.room.run.value;
  const close = () => {
    dialog.value = null;
  };
  const pause = run?.slow_mode_s ?? 0;
  const pauses = PAUSES.includes(pause) ? PAUSES : [...PAUSES, pause].sort((a, b) => a - b);
  return (
    <Dialog title={t('moderation')} class="drawer at-end wider" onClose={close}>
      <Topic />
      <label class="field">
        <span>{t('slowMode')}</span>
        <select
          value={pause}
          onChange={(event) =>
            moderate(store, { action: 'slow_mode', seconds: Number(event.currentTarget.value) })
          }
        >
          {pauses.map((seconds) => (
            <option key={seconds} value={seconds}>
              {seconds > 0 ? t('slowOption', { time: duration(seconds * 1000) }) : t('slowOff')}
            </option>
          ))}
        </select>
      </label>
      <label class="switch">
        <span>{t('lockRoom')}</span>
        <input
          type="checkbox"
          role="switch"
          aria-checked={run?.locked ?? false}
          checked={run?.locked ?? false}
          onChange={(event) => moderate(store, { action: 'lock', locked: event.currentTarget.checked })}
        />
      </label>
      <section class="pins-section" aria-labelledby="pins-title">
        <h3 id="pins-title">{t('pinned')}</h3>
        <PinnedList close={close} />
      </section>
      <p>
        <a class="link" href={`${base}admin`} target="_blank" rel="noopener">
          {t('toAdmin')}
        </a>
      </p>
    </Dialog>
  );
}
