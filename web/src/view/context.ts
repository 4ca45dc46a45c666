// How components reach the store, and the few facts about the window that they ask for.

import { type Signal, signal } from '@preact/signals';
import { createContext } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';
import type { Store } from '../state/store';
import type { PartName } from './parts';

export const StoreContext = createContext<Store | null>(null);

export function useStore(): Store {
  const store = useContext(StoreContext);
  if (!store) throw new Error('no store');
  return store;
}

function media(query: string): Signal<boolean> {
  const list = matchMedia(query);
  const matches = signal(list.matches);
  list.addEventListener('change', () => {
    matches.value = list.matches;
  });
  return matches;
}

/** Room for all three columns. */
export const wide = media('(min-width: 52rem)');
/** A finger, not a mouse: Enter makes a new line, and the keyboard is not opened unasked. */
export const touch = media('(pointer: coarse)');
export const offline = signal(!navigator.onLine);
addEventListener('online', () => {
  offline.value = false;
});
addEventListener('offline', () => {
  offline.value = true;
});

/** Drawers of the room, and what is loaded when it is opened. */
export type DialogName = 'rooms' | 'people' | Exclude<PartName, 'room' | 'blocked'>;
export const dialog = signal<DialogName | null>(null);
/** What the dialog that is open is about, where it is about something. */
export const about = signal<unknown>(null);

export function openAbout(name: DialogName, what: unknown): void {
  about.value = what;
  dialog.value = name;
}

/** The present time, twice a second while `running`. */
export function useNow(running: boolean): number {
  const [now, set] = useState(Date.now);
  useEffect(() => {
    if (!running) return;
    set(Date.now());
    const timer = setInterval(() => set(Date.now()), 500);
    return () => clearInterval(timer);
  }, [running]);
  return now;
}

/** Whole seconds until `at`, at least one. */
export const seconds = (at: number, now: number) => Math.max(1, Math.ceil((at - now) / 1000));
