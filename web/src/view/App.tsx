// Which screen is shown, and over it which dialog. The room is loaded while the name is being typed, so that the
// first screen is there at once; what is seldom opened is loaded when it is.

import { type Signal, signal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { type DialogName, dialog, useStore } from './context';
import { SignIn } from './SignIn';

type Name = 'room' | 'blocked' | Exclude<DialogName, 'rooms' | 'people'>;

const load: Record<Name, () => Promise<ComponentType>> = {
  room: () => import('./Room').then((module) => module.Room),
  blocked: () => import('./Blocked').then((module) => module.Blocked),
  settings: () => import('./Settings').then((module) => module.Settings),
  help: () => import('./Help').then((module) => module.Help),
  switcher: () => import('./Switcher').then((module) => module.Switcher),
};

const loaded: Signal<Partial<Record<Name, ComponentType>>> = signal({});
const loading = new Set<Name>();

/** The component, or null for now; a failed load is tried again with the next asking. */
export function part(name: Name): ComponentType | null {
  const ready = loaded.value[name];
  if (!ready && !loading.has(name)) {
    loading.add(name);
    load[name]().then(
      (Part) => {
        loaded.value = { ...loaded.peek(), [name]: Part };
      },
      () => loading.delete(name),
    );
  }
  return ready ?? null;
}

export function App() {
  const store = useStore();
  const name = dialog.value;
  const Room = store.room.name.value === null ? null : part('room');
  const Opened = name === null || name === 'rooms' || name === 'people' ? null : part(name);
  const { phase } = store.connection.state.value;
  const Blocked = phase === 'refused' || phase === 'ended' ? part('blocked') : null;
  const signingIn = store.room.name.value === null || store.signIn.pending.value;
  return (
    <>
      {signingIn ? <SignIn /> : Room && <Room />}
      {Opened && <Opened />}
      {Blocked && <Blocked />}
    </>
  );
}
