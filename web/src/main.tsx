// Starts the page: the connection first, so that the rooms' counts are there while the name is being typed.

import { effect } from '@preact/signals';
import { render } from 'preact';
import { createChat } from '../client/src/create.js';
import { setLanguage } from './i18n';
import { base } from './state/base';
import { prefs } from './state/prefs';
import { route } from './state/router';
import { keepToken, takeToken, tokenInAddress } from './state/session-store';
import { loadRoomParts } from './state/sign-in';
import { Store } from './state/store';
import './styles/base.css';
import './styles/sign-in.css';
import { App } from './view/App';
import { StoreContext } from './view/context';
import { prefetch } from './view/parts';

const chat = createChat(undefined, { token: tokenInAddress() || takeToken(), path: `${base}socket.io/` });
const store = new Store(chat);

// A page that is left may be reloaded, or come back from the browser's memory as it was.
addEventListener('pagehide', () => {
  keepToken(chat.token);
  chat.suspend();
});
addEventListener('pageshow', ({ persisted }) => {
  if (!persisted) return;
  takeToken();
  chat.resume();
});

const check = () => !document.hidden && store.connection.check();
for (const event of ['online', 'offline', 'pageshow']) addEventListener(event, check);
for (const event of ['visibilitychange', 'resume']) document.addEventListener(event, check);
// A computer that slept with the page in view says nothing, but its clock has jumped.
const TICK_MS = 5_000;
let ticked = Date.now();
setInterval(() => {
  const now = Date.now();
  if (now - ticked > 3 * TICK_MS) check();
  ticked = now;
}, TICK_MS);

effect(() => {
  const { dataset } = document.documentElement;
  dataset.theme = prefs.theme.value;
  dataset.density = prefs.density.value;
});
effect(() => {
  setLanguage(prefs.language.value);
});
route(store);
store.connection.connect();

const root = document.getElementById('app');
if (root) {
  render(
    <StoreContext.Provider value={store}>
      <App />
    </StoreContext.Provider>,
    root,
  );
}

// Once the first screen is usable the room is fetched for when it is wanted: at once where the address names one,
// otherwise when the browser has nothing else to do.
const idle: (work: () => void) => void =
  'requestIdleCallback' in globalThis ? (work) => requestIdleCallback(work, { timeout: 1000 }) : setTimeout;
const soon: typeof idle = location.pathname === base ? idle : setTimeout;
soon(() => {
  // A failure is none yet: whoever needs it asks again.
  loadRoomParts().then(
    () => store.equip(),
    () => {},
  );
  prefetch('room');
});
