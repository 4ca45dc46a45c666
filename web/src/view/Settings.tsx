// What the reader may choose.

import type { Signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { addEnglish, type Key, LANGUAGES, type Language, t } from '../i18n';
import { room as words } from '../i18n/en-room';
import { ignore } from '../state/ignored';
import { prefs } from '../state/prefs';
import { dialog, useStore } from './context';
import { Dialog } from './Dialog';
import { nameProblem } from './SignIn';

// Also opened before there is a room, which brings its words otherwise.
addEnglish(words);

function Choice<T extends string>(props: { label: string; value: Signal<T>; options: Record<T, Key> }) {
  const { label, value, options } = props;
  return (
    <fieldset class="choice">
      <legend>{label}</legend>
      <div class="segments">
        {(Object.entries(options) as [T, Key][]).map(([option, key]) => (
          <label key={option}>
            <input
              type="radio"
              name={label}
              checked={value.value === option}
              onChange={() => {
                value.value = option;
              }}
            />
            <span>{t(key)}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function Switch({ label, value }: { label: string; value: Signal<boolean> }) {
  return (
    <label class="switch">
      <span>{label}</span>
      <input
        type="checkbox"
        role="switch"
        aria-checked={value.value}
        checked={value.value}
        onChange={(event) => {
          value.value = event.currentTarget.checked;
        }}
      />
    </label>
  );
}

type Permission = NotificationPermission | 'unsupported';

const permission = (): Permission => ('Notification' in globalThis ? Notification.permission : 'unsupported');

/** What the browser allows, also when the reader changes that in the browser meanwhile. */
function usePermission(): [Permission, () => void] {
  const [allowed, setAllowed] = useState(permission);
  const look = () => setAllowed(permission());
  useEffect(() => {
    let status: PermissionStatus | undefined;
    navigator.permissions?.query({ name: 'notifications' }).then(
      (found) => {
        status = found;
        status.addEventListener('change', look);
      },
      // Browsers that cannot be asked are looked at when the dialog opens.
      () => {},
    );
    return () => status?.removeEventListener('change', look);
  }, []);
  return [allowed, look];
}

/** Asks the browser only when notifications are chosen, by that click. */
function Notify() {
  const [allowed, look] = usePermission();
  const [asking, setAsking] = useState(false);
  const wanted = {
    get value() {
      return prefs.notify.value;
    },
    set value(choice) {
      prefs.notify.value = choice;
      if (choice === 'off' || !('Notification' in globalThis)) return;
      setAsking(true);
      Notification.requestPermission().then(() => {
        setAsking(false);
        look();
      });
    },
  } as typeof prefs.notify;
  const refused = prefs.notify.value !== 'off' && allowed !== 'granted' && !asking;
  return (
    <>
      <Choice
        label={t('notifications')}
        value={wanted}
        options={{ off: 'notifyOff', mentions: 'notifyMentions', all: 'notifyAll' }}
      />
      {refused && (
        <p class="error" role="alert">
          {t('notifyBlocked')}
        </p>
      )}
    </>
  );
}

function Name() {
  const store = useStore();
  const [name, setName] = useState(store.signIn.name.value);
  const [problem, setProblem] = useState('');
  const submit = (event: Event) => {
    event.preventDefault();
    const wrong = nameProblem(name, store.connection.session.value?.limits.username_max_chars ?? 32);
    setProblem(wrong);
    if (!wrong) store.signIn.rename(name.trim());
  };
  return (
    <form class="row" onSubmit={submit}>
      <label class="field">
        <span>{t('name')}</span>
        <input
          value={name}
          dir="auto"
          aria-invalid={problem !== ''}
          aria-describedby="rename-error"
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </label>
      <button type="submit">{t('changeName')}</button>
      <p class="error" id="rename-error" role="status">
        {problem}
      </p>
    </form>
  );
}

/** Whom the reader ignores, also those who are not here. */
function Ignored() {
  const people = Object.entries(prefs.ignored.value);
  if (people.length === 0) return null;
  return (
    <fieldset>
      <legend>{t('ignoredPeople')}</legend>
      <ul class="ignored">
        {people.map(([userId, name]) => (
          <li key={userId}>
            <bdi class="label">{name}</bdi>
            <button type="button" class="link" onClick={() => ignore(userId, name, false)}>
              {t('ignoreNot', { name })}
            </button>
          </li>
        ))}
      </ul>
    </fieldset>
  );
}

export function Settings() {
  const store = useStore();
  const inRoom = store.signIn.joined.value !== null;
  const close = () => {
    dialog.value = null;
  };
  return (
    <Dialog title={t('settings')} onClose={close}>
      {inRoom && <Name />}
      <Choice
        label={t('theme')}
        value={prefs.theme}
        options={{ system: 'themeSystem', light: 'themeLight', dark: 'themeDark' }}
      />
      <Choice
        label={t('density')}
        value={prefs.density}
        options={{ comfortable: 'comfortable', compact: 'compact' }}
      />
      <label class="field">
        <span>{t('language')}</span>
        <select
          value={prefs.language.value ?? ''}
          onChange={(event) => {
            prefs.language.value = (event.currentTarget.value || null) as Language | null;
          }}
        >
          <option value="">{t('languageAuto')}</option>
          {Object.entries(LANGUAGES).map(([code, name]) => (
            <option key={code} value={code} lang={code}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <Notify />
      <Switch label={t('sound')} value={prefs.sound} />
      <Switch label={t('announce')} value={prefs.announce} />
      <Ignored />
      {inRoom && (
        <footer>
          <button
            type="button"
            onClick={() => {
              dialog.value = 'help';
            }}
          >
            {t('help')}
          </button>
          <button
            type="button"
            class="danger"
            onClick={() => {
              close();
              store.signIn.leave();
            }}
          >
            {t('leave')}
          </button>
        </footer>
      )}
    </Dialog>
  );
}
