// Shortcuts take no key that types a character.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Chat } from '../../client/src/chat.js';
import { DEFAULTS } from '../../client/src/options.js';
import { FakeSocket } from '../../tests/fake-socket';
import { Store } from '../state/store';
import { dialog } from './context';
import { onKey, SHORTCUTS } from './keys';
import { typesCharacter } from './typing-keys';

type Init = KeyboardEventInit & { altGraph?: boolean };

const composer = document.createElement('textarea');
const elsewhere = document.createElement('div');
document.body.append(composer, elsewhere);

/** The event that a browser sends, as it is when listeners see it. */
function press(target: Element, { altGraph = false, ...init }: Init): KeyboardEvent {
  const event = new KeyboardEvent('keydown', { bubbles: true, cancelable: true, ...init });
  event.getModifierState = (key) => altGraph && key === 'AltGraph';
  target.dispatchEvent(event);
  return event;
}

let store: Store;
let listener: (event: KeyboardEvent) => void;
beforeEach(() => {
  const socket = new FakeSocket();
  store = new Store(new Chat(() => socket, DEFAULTS));
  store.connection.connect();
  store.signIn.submit('tech', 'Ada');
  socket.up();
  socket.confirm();
  listener = (event) => onKey(event, store);
  document.addEventListener('keydown', listener);
});
afterEach(() => {
  document.removeEventListener('keydown', listener);
  dialog.value = null;
});

const TYPED: [string, Init][] = [
  ['[ with Option+5 on a German Mac', { key: '[', code: 'Digit5', altKey: true }],
  ['| with Option+7 on a German Mac', { key: '|', code: 'Digit7', altKey: true }],
  ['{ with Option+8 on a German Mac', { key: '{', code: 'Digit8', altKey: true }],
  ['¡ with Option+1 on an American Mac', { key: '¡', code: 'Digit1', altKey: true }],
  ['ą with Option+A on a Polish Mac', { key: 'ą', code: 'KeyA', altKey: true }],
  ['å with Option+A on an American Mac', { key: 'å', code: 'KeyA', altKey: true }],
  ['Å with Option+Shift+A', { key: 'Å', code: 'KeyA', altKey: true, shiftKey: true }],
  ['ą with AltGr+A on Linux', { key: 'ą', code: 'KeyA', altGraph: true }],
  ['ą with AltGr+A on Windows', { key: 'ą', code: 'KeyA', altKey: true, ctrlKey: true }],
  ['{ with AltGr+7', { key: '{', code: 'Digit7', altKey: true, ctrlKey: true, altGraph: true }],
  ['1 with AltGr+1, where a layout has that', { key: '1', code: 'Digit1', altKey: true, altGraph: true }],
  ['ĸ with AltGr+K', { key: 'ĸ', code: 'KeyK', altKey: true, ctrlKey: true }],
  ['k with AltGr+K', { key: 'k', code: 'KeyK', ctrlKey: true, altKey: true }],
  ['a dead key with Option+1', { key: 'Dead', code: 'Digit1', altKey: true }],
  ['a dead key with Option+A', { key: 'Dead', code: 'KeyA', altKey: true }],
  ['an input method', { key: 'Process', code: 'Digit1', altKey: true }],
  ['a composition', { key: '1', code: 'Digit1', altKey: true, isComposing: true }],
  ['Escape of a composition', { key: 'Escape', code: 'Escape', isComposing: true }],
  ['a key that types two characters', { key: 'لا', code: 'KeyB' }],
  ['/', { key: '/', code: 'Slash' }],
  ['?', { key: '?', code: 'Slash', shiftKey: true }],
  ['u', { key: 'u', code: 'KeyU' }],
];

describe('in the composer no shortcut takes', () => {
  it.each(TYPED)('%s', (_, init) => {
    const event = press(composer, init);
    expect([event.defaultPrevented, store.room.name.value, dialog.value]).toEqual([false, 'tech', null]);
  });

  it('the numbers of an Alt code', () => {
    expect(press(composer, { key: '1', code: 'Numpad1', altKey: true }).defaultPrevented).toBe(false);
  });
});

describe('shortcuts', () => {
  it('work from the composer with keys that type nothing', () => {
    press(composer, { key: '1', code: 'Digit1', altKey: true });
    expect(store.room.name.value).toBe('general');
    press(composer, { key: 'ArrowDown', code: 'ArrowDown', altKey: true });
    expect(store.room.name.value).toBe('tech');
    press(composer, { key: 'k', code: 'KeyK', ctrlKey: true });
    expect(dialog.value).toBe('switcher');
  });

  it('work outside fields on every layout', () => {
    press(elsewhere, { key: '&', code: 'Digit1', altKey: true });
    expect(store.room.name.value).toBe('general');
  });

  it('are not on a Mac what Option types, not even the digit itself', async () => {
    vi.spyOn(navigator, 'platform', 'get').mockReturnValue('MacIntel');
    vi.resetModules();
    const mac = await import('./typing-keys');
    const event = press(elsewhere, { key: '1', code: 'Digit1', altKey: true });
    expect([mac.typesCharacter(event), typesCharacter(event)]).toEqual([true, false]);
  });

  it('have one line of help each', () => {
    const helps = SHORTCUTS.map(({ help }) => help);
    expect(new Set(helps).size).toBe(helps.length);
    for (const { matches, run } of SHORTCUTS) expect(Boolean(matches)).toBe(Boolean(run));
  });
});
