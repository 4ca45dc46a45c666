// The address is the room: /tech, or /chat/tech where the page is at /chat/. Back and Forward switch rooms.

import { effect } from '@preact/signals';
import { t } from '../i18n';
import { addressOf, roomIn } from './address';
import { base } from './base';
import { prefs } from './prefs';
import { wasIn } from './session-store';
import type { Store } from './store';

function roomInAddress(store: Store): string | null {
  const names = store.connection.rooms.peek().map((room) => room.name);
  return roomIn(location.pathname, base, names);
}

/** Keeps the address and the store's room the same, from now on. */
export function route(store: Store): void {
  const first = roomInAddress(store);
  // A reload goes on where this tab was; a new tab asks for the name first.
  if (wasIn() && store.signIn.name.value) {
    const room = first ?? prefs.room.value;
    if (room) store.signIn.enter(room);
  }
  let started = false;
  effect(() => {
    const room = store.signIn.room.value;
    const wanted = addressOf(room, base);
    const fromSignIn = !started && room === null;
    started = true;
    // A deep link stays in the address until the name is given.
    if (fromSignIn || location.pathname === wanted) return;
    // Another way to write the same room's address is no place to go back to.
    if (roomInAddress(store) === room) history.replaceState(null, '', wanted);
    else history.pushState(null, '', wanted);
  });
  addEventListener('popstate', () => {
    const room = roomInAddress(store);
    if (room === null) store.signIn.leave();
    else if (store.signIn.name.value) store.signIn.enter(room);
  });
}

/** The room that the sign-in card starts with; says so where the address names one that does not exist. */
export function startRoom(store: Store, names: readonly string[]): string {
  const asked = roomInAddress(store);
  const other = names.find((name) => name === prefs.room.value) ?? names[0] ?? '';
  if (asked === null || names.length === 0) return other;
  if (names.includes(asked)) return asked;
  store.note.value = t('roomUnknown', { room: asked, other });
  return other;
}
