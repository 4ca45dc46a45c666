// Who is in the room: the reader first, the others by name.

import { useEffect, useState } from 'preact/hooks';
import type { User } from '../../client/src/index.js';
import { compare, t } from '../i18n';
import { isIgnored } from '../state/ignored';
import type { Store } from '../state/store';
import { initials } from '../text/plain';
import { dialog, openAbout, useStore } from './context';
import { Icon } from './icons';
import { Shield } from './Shield';
import { hueOf, label, whoIn } from './who';

const FILTER_FROM = 20;
const SHOWN = 200;
/** No event says who goes away, so the list is asked for again while it is shown; the lists of large rooms cost more. */
const REFRESH_MS = 60_000;
const REFRESHED_MAX = 200;

function sorted(users: readonly User[], own: string | null): User[] {
  const rank = (user: User) => (user.user_id === own ? 0 : 1);
  return [...users].sort((a, b) => rank(a) - rank(b) || compare(a.username, b.username));
}

/** Keeps the list current while it is shown; the function returned ends that. */
function keepCurrent(store: Store): () => void {
  const refresh = () => {
    if (!document.hidden) store.room.refreshUsers();
  };
  const again = () => {
    const users = store.room.users.peek() ?? [];
    const parks = (store.connection.session.peek()?.limits.park_after_ms ?? 0) > 0;
    if (users.length <= REFRESHED_MAX && (parks || users.some((user) => user.away))) refresh();
  };
  if (store.room.users.peek()) refresh();
  const timer = setInterval(again, REFRESH_MS);
  document.addEventListener('visibilitychange', again);
  return () => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', again);
  };
}

export function People() {
  const store = useStore();
  useEffect(() => keepCurrent(store), [store]);
  const [filter, setFilter] = useState('');
  const users = store.room.users.value;
  const own = store.room.joined.value?.userId ?? null;
  if (!users) return <p class="quiet">{store.room.joined.value ? t('peopleUnknown') : '…'}</p>;
  const who = whoIn(store);
  const wanted = filter.trim().toLocaleLowerCase();
  const found = sorted(users, own).filter((user) => user.username.toLocaleLowerCase().includes(wanted));
  return (
    <>
      {users.length >= FILTER_FROM && (
        <input
          type="search"
          value={filter}
          placeholder={t('filterPeople')}
          aria-label={t('filterPeople')}
          onInput={(event) => setFilter(event.currentTarget.value)}
        />
      )}
      <ul class="people-list">
        {found.slice(0, SHOWN).map((user) => (
          <li key={user.user_id}>
            <Person {...{ user, own: user.user_id === own, tag: who.tag(user.user_id, user.username) }} />
          </li>
        ))}
      </ul>
      {found.length > SHOWN && <p class="quiet">{t('morePeople', { n: found.length - SHOWN })}</p>}
      {found.length === 0 && <p class="quiet">{t('nobodyFound')}</p>}
      {users.length === 1 && own === users[0]?.user_id && <p class="quiet">{t('nobodyElse')}</p>}
    </>
  );
}

function Person({ user, own, tag }: { user: User; own: boolean; tag: string }) {
  const store = useStore();
  const face = (
    <>
      <span class="disc" aria-hidden="true">
        {initials(user.username)}
      </span>
      <bdi class="label">{user.username}</bdi>
      {tag && !own && <span class="tag">{tag}</span>}
      {user.away && !own && <span class="you">{t('away')}</span>}
      {isIgnored(user.user_id) && <span class="you">{t('ignored')}</span>}
      {own && store.changes.moderates && <Shield />}
      {own && <span class="you">{t('you')}</span>}
    </>
  );
  const style = { '--hue': hueOf(user.user_id, user.username) };
  if (own) {
    return (
      <div class="person" style={style}>
        {face}
      </div>
    );
  }
  const name = label(user.username, tag);
  return (
    <>
      <button
        type="button"
        class="person"
        style={style}
        title={t('mentionPerson', { name })}
        onClick={() => {
          dialog.value = null;
          store.composer.insert.value = { text: `@${user.username} `, replace: false };
        }}
      >
        {face}
      </button>
      <button
        type="button"
        class="round more"
        aria-label={t('actionsFor', { name })}
        aria-haspopup="dialog"
        onClick={() => openAbout('person', { user, tag })}
      >
        <Icon name="more" />
      </button>
    </>
  );
}
