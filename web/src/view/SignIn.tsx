// The first screen: a name, a room, and in.

import { useEffect, useRef, useState } from 'preact/hooks';
import type { WireError } from '../../client/src/index.js';
import { number, t } from '../i18n';
import { startRoom } from '../state/router';
import type { Store } from '../state/store';
import { graphemes } from '../text/plain';
import { Banner } from './Banner';
import { dialog, touch, useStore } from './context';
import { Icon } from './icons';
import { Logo } from './Logo';

const NAME_MAX = 32;

/** What the card says about the refusal of a join. */
export function refusal(error: WireError | null, room: string): string {
  if (!error) return '';
  if (error.event === 'system_message') return t('removedYou');
  switch (error.code) {
    case 'invalid_username':
      return t('nameInvalid');
    case 'username_taken':
      return t('nameTaken');
    case 'banned':
      return t('banned');
    case 'unknown_room':
      return t('roomGone', { room });
    default:
      return t('joinRefused', { message: error.message });
  }
}

/** What is wrong with a name, before the server is asked. */
export function nameProblem(name: string, max: number): string {
  if (name.trim() === '') return t('nameEmpty');
  return max > 0 && graphemes(name.trim()) > max ? t('nameTooLong', { n: max }) : '';
}

function Rooms({ store, chosen, choose }: { store: Store; chosen: string; choose: (room: string) => void }) {
  const rooms = store.connection.rooms.value;
  return (
    <fieldset>
      <legend>{t('chooseRoom')}</legend>
      {rooms.length === 0 && <p class="quiet">{t('roomsLoading')}</p>}
      <div class="cards">
        {rooms.map(({ name, count }) => (
          <label key={name} class="card">
            <input
              type="radio"
              name="room"
              value={name}
              checked={name === chosen}
              onChange={() => choose(name)}
            />
            <span class="hash" aria-hidden="true">
              #
            </span>
            <bdi class="label">{name}</bdi>
            <span class={count > 0 ? 'count live' : 'count'}>
              <span aria-hidden="true">{number(count)}</span>
              <span class="vh">, {t('online', { n: count })}</span>
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

export function SignIn() {
  const store = useStore();
  const field = useRef<HTMLInputElement>(null);
  const [name, setName] = useState(store.signIn.name.value);
  const [room, setRoom] = useState('');
  const [problem, setProblem] = useState('');
  const names = store.connection.rooms.value.map((info) => info.name);
  const known = names.length > 0;
  const busy = store.signIn.pending.value;
  const refused = refusal(store.signIn.error.value, room);
  const error = problem || refused;

  useEffect(() => {
    if (known) setRoom((chosen) => chosen || startRoom(store, names));
  }, [known]);
  useEffect(() => {
    if (!touch.value || error) field.current?.focus();
  }, [error]);

  const submit = (event: Event) => {
    event.preventDefault();
    if (busy) return;
    const wrong = nameProblem(name, store.connection.session.value?.limits.username_max_chars ?? NAME_MAX);
    setProblem(wrong);
    store.note.value = null;
    if (wrong) field.current?.focus();
    else if (room) store.signIn.submit(room, name.trim());
  };
  const online = store.connection.state.value.phase === 'online';
  return (
    <main class="sign-in">
      <form class="panel" onSubmit={submit} noValidate>
        <Logo />
        <button
          type="button"
          class="round settings"
          aria-label={t('settings')}
          aria-haspopup="dialog"
          onClick={() => {
            dialog.value = 'settings';
          }}
        >
          <Icon name="settings" />
        </button>
        <h1>{t('appName')}</h1>
        <p class="tagline">{t('tagline')}</p>
        <Banner />
        <label class="field">
          <span>{t('name')}</span>
          <input
            ref={field}
            value={name}
            dir={name ? 'auto' : undefined}
            autocomplete="nickname"
            spellcheck={false}
            placeholder={t('namePlaceholder')}
            aria-invalid={error !== ''}
            aria-describedby="name-error"
            onInput={(event) => {
              setName(event.currentTarget.value);
              setProblem('');
              store.signIn.error.value = null;
            }}
          />
        </label>
        <p class="error" id="name-error" role="status">
          {error}
        </p>
        <Rooms store={store} chosen={room} choose={setRoom} />
        <button type="submit" class="primary" aria-disabled={busy || !known}>
          {busy
            ? t('joining')
            : known
              ? t('join', { room: `#${room}` })
              : online
                ? t('roomsLoading')
                : t('connecting')}
        </button>
      </form>
    </main>
  );
}
