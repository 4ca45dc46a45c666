// The top of the room: its name and topic, how it is run, and the ways to everything else.

import { t } from '../i18n';
import { prefs } from '../state/prefs';
import { type DialogName, dialog, useStore, wide } from './context';
import { Icon, type IconName } from './icons';

function open(name: DialogName): void {
  dialog.value = name;
}

function Opener({ name, label, icon }: { name: DialogName; label: string; icon: IconName }) {
  return (
    <button
      type="button"
      class="round"
      aria-label={label}
      title={label}
      aria-haspopup="dialog"
      onClick={() => open(name)}
    >
      <Icon name={icon} />
    </button>
  );
}

function RoomsButton() {
  const store = useStore();
  const room = store.room.name.value;
  const news = store.room.unread.elsewhere.value;
  const elsewhere = store.connection.rooms.value.some(
    ({ name }) => name !== room && (news[name]?.count || store.room.unread.waits(name)),
  );
  return (
    <button
      type="button"
      class={elsewhere ? 'round news' : 'round'}
      aria-label={t('showRooms')}
      aria-expanded={dialog.value === 'rooms'}
      onClick={() => open('rooms')}
    >
      <Icon name="menu" />
    </button>
  );
}

export function Header() {
  const store = useStore();
  const room = store.room.name.value ?? '';
  const here = store.connection.rooms.value.find((info) => info.name === room)?.count ?? 0;
  const phase = store.connection.state.value.phase;
  const people = wide.value && prefs.people.value;
  const status = t(phase === 'online' ? 'connected' : 'connTrying');
  const run = store.room.run.value;
  return (
    <header class="top">
      {!wide.value && <RoomsButton />}
      <div class="title">
        <h1>
          <span class="hash">#</span> <bdi>{room}</bdi>
        </h1>
        <span class="presence" title={status}>
          <i class={phase === 'online' ? 'dot on' : 'dot'} />
          <span class="vh">{status}, </span>
          {t('online', { n: here })}
        </span>
        {run?.topic && (
          <p class="topic" dir="auto" title={run.topic}>
            {run.topic}
          </p>
        )}
      </div>
      {run && run.pinned.length > 0 && (
        <Opener name="pinned" label={t('pinnedCount', { n: run.pinned.length })} icon="pin" />
      )}
      {store.changes.moderates && <Opener name="moderation" label={t('moderation')} icon="shield" />}
      {store.connection.session.value && <Opener name="search" label={t('search')} icon="search" />}
      <button
        type="button"
        class="round"
        aria-label={t(people ? 'hidePeople' : 'showPeople')}
        aria-expanded={wide.value ? people : dialog.value === 'people'}
        onClick={() => {
          if (wide.value) prefs.people.value = !prefs.people.value;
          else open('people');
        }}
      >
        <Icon name="people" />
      </button>
      <Opener name="settings" label={t('settings')} icon="settings" />
    </header>
  );
}
