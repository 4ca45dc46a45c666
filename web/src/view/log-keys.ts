// The keyboard inside the log: it is one stop of the Tab key, and the arrows move from message to message.

import { nextFrame } from '../state/frame';
import type { Store } from '../state/store';
import { logWindow } from '../state/window';
import { answer } from './actions';

interface LogKeys {
  store: Store;
  setMenu: (key: string | null) => void;
}

const PAGE = 10;

/** Which of `count` rows `key` leads to from the one at `at`, -1 for none; null if the key is not for moving. */
export function rowAfter(key: string, count: number, at: number): number | null {
  const last = count - 1;
  switch (key) {
    case 'ArrowUp':
      return at < 0 ? last : Math.max(0, at - 1);
    case 'ArrowDown':
      return at < 0 ? last : Math.min(last, at + 1);
    case 'PageUp':
      return at < 0 ? last : Math.max(0, at - PAGE);
    case 'PageDown':
      return at < 0 ? last : Math.min(last, at + PAGE);
    case 'Home':
      return 0;
    case 'End':
      return last;
    default:
      return null;
  }
}

function firstUnread(log: HTMLElement, store: Store): void {
  const from = store.room.unread.newFrom.value;
  if (from === null) return;
  logWindow.reveal(store.room.timeline.value.entries, from);
  nextFrame(() => {
    let row = log.querySelector('#new')?.nextElementSibling;
    while (row && !row.matches('.m')) row = row.nextElementSibling;
    if (row instanceof HTMLElement) row.focus();
  });
}

function answerTo(row: HTMLElement, store: Store): void {
  const entry = store.room.timeline.value.entries.find(({ key }) => key === row.dataset.key);
  if (entry?.type === 'message') answer(store, entry);
}

export function logKeys(event: KeyboardEvent, { store, setMenu }: LogKeys): void {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const log = event.currentTarget as HTMLElement;
  const focused = event.target as HTMLElement;
  const row = focused.closest<HTMLElement>('.m');
  if (focused !== log && focused !== row) return;
  const rows = [...log.querySelectorAll<HTMLElement>('.m')];
  const next = rowAfter(event.key, rows.length, row ? rows.indexOf(row) : -1);
  if (next !== null) {
    event.preventDefault();
    if (next === 0) logWindow.older(store);
    rows[next]?.focus();
    return;
  }
  if (event.key === 'Enter' && row) setMenu(row.dataset.key ?? null);
  else if (event.key.toLowerCase() === 'u') firstUnread(log, store);
  else if (event.key.toLowerCase() === 'r' && row) answerTo(row, store);
  else return;
  event.preventDefault();
  event.stopPropagation();
}
