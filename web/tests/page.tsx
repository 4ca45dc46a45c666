// A page over a fake socket, for tests of what is shown.

import { render } from '@testing-library/preact';
import type { ComponentChildren } from 'preact';
import { Chat } from '../client/src/chat.js';
import { DEFAULTS } from '../client/src/options.js';
import { addEnglish } from '../src/i18n';
import { room } from '../src/i18n/en-room';
import { prefs } from '../src/state/prefs';
import { Store } from '../src/state/store';
import { StoreContext } from '../src/view/context';
import { FakeSocket } from './fake-socket';

addEnglish(room);

/** The state of a page that connects, and the server's end of its socket. */
export function page(): { socket: FakeSocket; store: Store } {
  sessionStorage.clear();
  prefs.name.value = '';
  const socket = new FakeSocket();
  const store = new Store(new Chat(() => socket, DEFAULTS));
  store.connection.connect();
  return { socket, store };
}

/** The same, in the room `tech` as Ada. */
export function pageInRoom(): { socket: FakeSocket; store: Store } {
  const made = page();
  made.store.signIn.submit('tech', 'Ada');
  made.socket.up();
  made.socket.confirm();
  return made;
}

export const show = (store: Store, what: ComponentChildren) =>
  render(<StoreContext.Provider value={store}>{what}</StoreContext.Provider>);
