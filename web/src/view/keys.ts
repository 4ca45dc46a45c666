// The keyboard, in one table: what it does and what the help says is the same list.

import type { Key } from '../i18n';
import type { Store } from '../state/store';
import { dialog } from './context';
import { isComposing, typesCharacter } from './typing-keys';

interface Shortcut {
  keys: string;
  help: Key;
  /** Absent where a component handles it. */
  matches?: (event: KeyboardEvent, store: Store) => boolean;
  run?: (store: Store, event: KeyboardEvent) => void;
}

const alt = (event: KeyboardEvent) => event.altKey && !event.ctrlKey && !event.metaKey;
const control = (event: KeyboardEvent) => (event.ctrlKey || event.metaKey) && !event.altKey;
const plain = (event: KeyboardEvent) => !event.altKey && !event.ctrlKey && !event.metaKey;

const inField = (event: KeyboardEvent) =>
  event.target instanceof HTMLElement && event.target.matches('input, textarea, select, [contenteditable]');

function step(store: Store, by: number): void {
  const names = store.connection.rooms.value.map((room) => room.name);
  const at = names.indexOf(store.room.name.value ?? '');
  const next = names.at((at + by) % names.length);
  if (next && next !== store.room.name.value) store.signIn.enter(next);
}

function nextUnread(store: Store): void {
  const news = Object.entries(store.room.unread.elsewhere.value).filter(([, { count }]) => count > 0);
  const [first] = news.sort(([, a], [, b]) => b.mentions - a.mentions);
  const waits = ({ name }: { name: string }) =>
    name !== store.room.name.value && store.room.unread.waits(name);
  const next = first?.[0] ?? store.connection.rooms.value.find(waits)?.name;
  if (next) store.signIn.enter(next);
  else document.getElementById('latest')?.click();
}

function region(by: number): void {
  const regions = ['rooms', 'log', 'composer', 'people'].flatMap((id) => document.getElementById(id) ?? []);
  const at = regions.findIndex((element) => element.contains(document.activeElement));
  regions.at((at + by) % regions.length)?.focus();
}

export const SHORTCUTS: readonly Shortcut[] = [
  {
    keys: 'Alt+↑ Alt+↓',
    help: 'keyRoom',
    matches: (event) => alt(event) && (event.key === 'ArrowUp' || event.key === 'ArrowDown'),
    run: (store, event) => step(store, event.key === 'ArrowUp' ? -1 : 1),
  },
  {
    keys: 'Alt+A',
    help: 'keyUnread',
    matches: (event) => alt(event) && event.code === 'KeyA',
    run: nextUnread,
  },
  {
    keys: 'Alt+1 … Alt+9',
    help: 'keyRoomN',
    matches: (event) => alt(event) && /^Digit[1-9]$/.test(event.code),
    run: (store, event) => {
      const room = store.connection.rooms.value[Number(event.code.slice(5)) - 1];
      if (room && room.name !== store.room.name.value) store.signIn.enter(room.name);
    },
  },
  {
    keys: 'Ctrl+K ⌘K',
    help: 'keySwitch',
    matches: (event) => control(event) && event.key.toLowerCase() === 'k',
    run: () => {
      dialog.value = 'switcher';
    },
  },
  {
    keys: 'Ctrl+F ⌘F',
    help: 'keySearch',
    // Once it is open, the same key is the browser's own search.
    matches: (event, store) =>
      control(event) && event.key.toLowerCase() === 'f' && store.connection.session.value !== null,
    run: () => {
      dialog.value = 'search';
    },
  },
  {
    keys: '/',
    help: 'keyWrite',
    matches: (event) => !inField(event) && /^[\p{L}\p{N}/]$/u.test(event.key) && typesCharacter(event),
    run: (_, event) => {
      document.getElementById('composer')?.focus();
      // A letter is what is to be written: the browser puts it in.
      if (event.key === '/') event.preventDefault();
    },
  },
  {
    keys: 'Esc',
    help: 'keyEsc',
    matches: (event) => plain(event) && event.key === 'Escape',
    run: (store) => {
      document.getElementById('latest')?.click();
      store.room.unread.clearLine();
      document.getElementById('composer')?.focus();
    },
  },
  { keys: '↑', help: 'keyRecall' },
  {
    keys: 'F6',
    help: 'keyRegion',
    matches: (event) => event.key === 'F6',
    run: (_, event) => region(event.shiftKey ? -1 : 1),
  },
  {
    keys: '?',
    help: 'keyHelp',
    matches: (event) => plain(event) && event.key === '?' && !inField(event),
    run: () => {
      dialog.value = 'help';
    },
  },
  { keys: '↑ ↓ Home End PgUp PgDn', help: 'keyLog' },
  { keys: 'U', help: 'keyFirstUnread' },
  { keys: 'R', help: 'keyReply' },
  { keys: 'Enter', help: 'keyActions' },
];

/** Keys that type a letter must reach the field that they are typed into. */
const TYPES: ReadonlySet<Key> = new Set(['keyWrite']);

export function onKey(event: KeyboardEvent, store: Store): void {
  if (event.defaultPrevented || store.room.name.value === null || dialog.value) return;
  // What is typed into a field belongs to the field, whatever the layout needs for it.
  if (isComposing(event) || (inField(event) && typesCharacter(event))) return;
  const found = SHORTCUTS.find((shortcut) => shortcut.matches?.(event, store));
  if (!found?.run) return;
  if (!TYPES.has(found.help)) event.preventDefault();
  found.run(store, event);
}
