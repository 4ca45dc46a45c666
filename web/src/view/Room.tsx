// The room: rooms, log with composer, people; on a narrow window the outer two are drawers.

import { useEffect } from 'preact/hooks';
import { addEnglish, number, t } from '../i18n';
import { room as words } from '../i18n/en-room';
import '../state/room-parts';
import { attention } from '../state/attention';
import { prefs } from '../state/prefs';
import { Banner } from './Banner';
import { Composer } from './Composer';
import { dialog, useStore, wide } from './context';
import { Dialog } from './Dialog';
import { Header } from './Header';
import { followLinks } from './jump';
import { onKey } from './keys';
import { Log } from './Log';
import { Logo } from './Logo';
import { People } from './People';
import { RoomList } from './RoomList';
import { authorOf } from './who';
import '../styles/room.css';
import '../styles/log.css';
import '../styles/changes.css';
import '../styles/reactions.css';

addEnglish(words);

const close = () => {
  dialog.value = null;
};

function PeopleTitle() {
  const store = useStore();
  const listed = store.room.users.value?.length ?? 0;
  const told = store.connection.rooms.value.find((info) => info.name === store.room.name.value)?.count ?? 0;
  return (
    <>
      {t('people')} <span class="quiet">{number(Math.max(listed, told))}</span>
    </>
  );
}

export function Room() {
  const store = useStore();
  const room = store.room.name.value ?? '';
  const people = wide.value && prefs.people.value;
  useEffect(() => followLinks(store), [store]);
  useEffect(() => attention(store, (message) => authorOf(store, message)), [store]);
  useEffect(() => {
    const listener = (event: KeyboardEvent) => onKey(event, store);
    document.addEventListener('keydown', listener);
    return () => document.removeEventListener('keydown', listener);
  }, [store]);
  return (
    <div class={people ? 'room with-people' : 'room'}>
      <a class="skip" href="#composer">
        {t('skip')}
      </a>
      {wide.value && (
        <nav aria-label={t('rooms')} class="side" id="rooms" tabIndex={-1}>
          <p class="brand">
            <Logo />
            {t('appName')}
          </p>
          <h2>{t('rooms')}</h2>
          <RoomList />
        </nav>
      )}
      <main>
        <Header />
        <Banner />
        <Log />
        <Composer key={room} />
      </main>
      {people && (
        <aside class="side people" id="people" aria-labelledby="people-title" tabIndex={-1}>
          <h2 id="people-title">
            <PeopleTitle />
          </h2>
          <People />
        </aside>
      )}
      {!wide.value && dialog.value === 'rooms' && (
        <Dialog title={t('rooms')} class="drawer at-start" onClose={close}>
          <nav aria-label={t('rooms')}>
            <RoomList />
          </nav>
        </Dialog>
      )}
      {!wide.value && dialog.value === 'people' && (
        <Dialog title={t('people')} class="drawer at-end" onClose={close}>
          <People />
        </Dialog>
      )}
    </div>
  );
}
