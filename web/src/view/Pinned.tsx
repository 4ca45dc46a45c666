// The pinned messages of the room: each leads to where it was said.

import { useEffect, useState } from 'preact/hooks';
import { t, time } from '../i18n';
import type { MessageEntry } from '../log/timeline';
import { dialog, useStore } from './context';
import { Dialog } from './Dialog';
import { jumpTo } from './jump';
import { moderate } from './moderation';
import { authorOf } from './who';

/** A pinned message; undefined while it is being asked for, null where it is not to be had. */
type Found = MessageEntry | null | undefined;

function Pin({ id, found, close }: { id: number; found: Found; close: () => void }) {
  const store = useStore();
  const words = found?.text ?? t(found === null ? 'failGone' : 'loadingOlder');
  return (
    <li>
      <button
        type="button"
        class="pinned"
        aria-disabled={!found}
        onClick={() => {
          if (!found) return;
          close();
          jumpTo(store, id);
        }}
      >
        {found && (
          <span class="quiet">
            <bdi>{authorOf(store, found)}</bdi> {time(found.at)}
          </span>
        )}
        <span class="line" dir="auto">
          {words}
        </span>
      </button>
      {store.changes.moderates && (
        <button
          type="button"
          class="link"
          aria-label={`${t('unpin')}: ${words.slice(0, 60)}`}
          onClick={() => moderate(store, { action: 'pin', id, on: false })}
        >
          {t('unpin')}
        </button>
      )}
    </li>
  );
}

export function PinnedList({ close }: { close: () => void }) {
  const store = useStore();
  const ids = store.room.run.value?.pinned ?? [];
  const [found, setFound] = useState<ReadonlyMap<number, Found>>(new Map());
  useEffect(() => {
    let wanted = true;
    const look = async () => {
      for (const id of ids.toReversed()) {
        const entry = await store.room.find(id);
        if (!wanted) return;
        setFound((known) => new Map(known).set(id, entry));
      }
    };
    look();
    return () => {
      wanted = false;
    };
  }, [ids, store]);
  if (ids.length === 0) return <p class="quiet">{t('nothingPinned')}</p>;
  return (
    <ul class="pins">
      {ids.toReversed().map((id) => (
        <Pin key={id} {...{ id, close, found: found.get(id) }} />
      ))}
    </ul>
  );
}

export function Pinned() {
  const close = () => {
    dialog.value = null;
  };
  return (
    <Dialog title={t('pinned')} onClose={close}>
      <PinnedList close={close} />
    </Dialog>
  );
}
