// What the reader chose, kept in localStorage and shared with the other tabs of this page.

import { effect, type Signal, signal } from '@preact/signals';
import type { Language } from '../i18n';
import { STORAGE_PREFIX as PREFIX } from './base';

export interface Prefs {
  /** What a new tab proposes; each tab goes by its own (see session-store.ts). */
  name: string;
  room: string;
  theme: 'system' | 'light' | 'dark';
  density: 'comfortable' | 'compact';
  language: Language | null;
  notify: 'off' | 'mentions' | 'all';
  sound: boolean;
  announce: boolean;
  people: boolean;
  /** Names of the people who are ignored, by user id. */
  ignored: Record<string, string>;
  /** Last message read, by room: `epoch` and `id`. */
  read: Record<string, { epoch: string; id: number }>;
}

const DEFAULTS: Prefs = {
  name: '',
  room: '',
  theme: 'system',
  density: 'comfortable',
  language: null,
  notify: 'off',
  sound: false,
  announce: true,
  people: true,
  ignored: {},
  read: {},
};

export type PrefSignals = { readonly [K in keyof Prefs]: Signal<Prefs[K]> };

/** Storage may be full, forbidden or hold anything at all; then the default stands. */
function load<K extends keyof Prefs>(key: K): Prefs[K] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(PREFIX + key) ?? 'null');
    const fallback = DEFAULTS[key];
    const fits = stored !== null && (fallback === null || typeof stored === typeof fallback);
    return fits ? (stored as Prefs[K]) : fallback;
  } catch {
    return DEFAULTS[key];
  }
}

function save(key: string, value: unknown): void {
  try {
    localStorage.setItem(PREFIX + key, JSON.stringify(value));
  } catch {
    // Without storage everything works, but is forgotten.
  }
}

/** Another tab may have read further in another room meanwhile: only what changed here is written. */
function saveRead(now: Prefs['read'], before: Prefs['read']): void {
  const changed = Object.entries(now).filter(([room, mark]) => before[room] !== mark);
  save('read', { ...load('read'), ...Object.fromEntries(changed) });
}

function create(): PrefSignals {
  const keys = Object.keys(DEFAULTS) as (keyof Prefs)[];
  const entries = keys.map((key) => [key, signal(load(key))] as const);
  let stored = false;
  for (const [key, value] of entries) {
    let before: Prefs[keyof Prefs] | undefined;
    effect(() => {
      const now = value.value;
      if (before !== undefined && !stored) {
        if (key === 'read') saveRead(now as Prefs['read'], before as Prefs['read']);
        else save(key, now);
      }
      before = now;
    });
  }
  const signals = Object.fromEntries(entries) as unknown as PrefSignals;
  addEventListener('storage', (event) => {
    const key = keys.find((name) => PREFIX + name === event.key);
    // The room is each tab's own; storage only remembers the last one.
    if (!key || key === 'room') return;
    stored = true;
    (signals[key] as Signal<unknown>).value = load(key);
    stored = false;
  });
  return signals;
}

export const prefs = create();
