// The message that another one answers: one line over the answer, and over the composer while it is written.

import { t } from '../i18n';
import { type MessageEntry, messageOf } from '../log/timeline';
import type { Store } from '../state/store';
import { useStore } from './context';
import { Icon } from './icons';
import { jumpTo } from './jump';
import { authorOf } from './who';

/** More of a text is not seen in a line. */
const SHOWN = 200;

const line = (text: string) => text.slice(0, SHOWN).replace(/\s+/gu, ' ');

/** What is shown of an answered message, in or out of the log. */
function Line({ store, entry }: { store: Store; entry: MessageEntry | null | undefined }) {
  if (!entry) return <i>{t(entry === null ? 'answeredGone' : 'answeredEarlier')}</i>;
  if (entry.deleted) return <i>{t('deleted')}</i>;
  return (
    <>
      <bdi class="quote-name">{authorOf(store, entry)}</bdi> <bdi>{line(entry.text)}</bdi>
    </>
  );
}

/** The line over an answer: leads to what it answers. */
export function Quote({ store, id, entry }: { store: Store; id: number; entry: MessageEntry | null }) {
  const answered = entry ?? store.room.quotes.of(id).value;
  const gone = answered === null || answered?.deleted === true;
  return (
    <button
      type="button"
      class="quote"
      tabIndex={-1}
      aria-disabled={gone}
      onClick={() => !gone && jumpTo(store, id)}
    >
      <Icon name="reply" />
      <span class="vh">{t('answers')} </span>
      <span class="line">
        <Line store={store} entry={answered} />
      </span>
    </button>
  );
}

/** What the message that is being written answers. */
export function Answering() {
  const store = useStore();
  const begun = store.composer.answering.value;
  if (!begun) return null;
  // As it is now, should it be changed meanwhile.
  const entry = (begun.id === null ? null : messageOf(store.room.timeline.value, begun.id)) ?? begun;
  return (
    <div class="answering">
      <Icon name="reply" />
      <span class="line">
        <span class="vh">{t('answering')} </span>
        <Line store={store} entry={entry} />
      </span>
      <button
        type="button"
        class="round"
        aria-label={t('answerNot')}
        onClick={() => {
          store.composer.answering.value = null;
          document.getElementById('composer')?.focus();
        }}
      >
        <Icon name="close" />
      </button>
    </div>
  );
}
