// Parts of the page that are loaded when they are wanted: the room while the name is being typed, what is seldom opened
// when it is opened. A part that cannot be loaded says so, and is loaded again when the reader asks for it.

import { type Signal, signal } from '@preact/signals';
import type { ComponentType } from 'preact';

const loaders = {
  room: () => import('./Room').then((module) => module.Room),
  blocked: () => import('./Blocked').then((module) => module.Blocked),
  settings: () => import('./Settings').then((module) => module.Settings),
  help: () => import('./Help').then((module) => module.Help),
  sanction: () => import('./Sanction').then((module) => module.Sanction),
  moderation: () => import('./Moderation').then((module) => module.Moderation),
  pinned: () => import('./Pinned').then((module) => module.Pinned),
  person: () => import('./Person').then((module) => module.Person),
  search: () => import('./Search').then((module) => module.Search),
  react: () => import('./Picker').then((module) => module.Picker),
  invite: () => import('./Invite').then((module) => module.Invite),
  message: () => import('./Menu').then((module) => module.MessageSheet),
  delete: () => import('./Delete').then((module) => module.Delete),
  switcher: () => import('./Switcher').then((module) => module.Switcher),
} satisfies Record<string, () => Promise<ComponentType>>;

export type PartName = keyof typeof loaders;

const loaded: Signal<Partial<Record<PartName, ComponentType>>> = signal({});
const loading = new Set<PartName>();

/** The part that is wanted and could not be loaded. */
export const missing = signal<PartName | null>(null);

async function load(name: PartName): Promise<void> {
  if (loading.has(name) || loaded.peek()[name]) return;
  loading.add(name);
  try {
    loaded.value = { ...loaded.peek(), [name]: await loaders[name]() };
  } finally {
    loading.delete(name);
  }
}

/** Loads a part before it is wanted. A failure is none yet. */
export function prefetch(name: PartName): void {
  load(name).catch(() => {});
}

/** The component, or null for now. */
export function part(name: PartName): ComponentType | null {
  const ready = loaded.value[name];
  if (!ready && missing.value !== name) {
    load(name).catch(() => {
      missing.value = name;
    });
  }
  return ready ?? null;
}

/** Loads what could not be loaded once more. */
export function tryAgain(): void {
  missing.value = null;
}
