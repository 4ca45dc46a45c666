// Notifications: when, how many, and what the setting says.

import { cleanup, fireEvent, render, screen } from '@testing-library/preact';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Chat } from '../../client/src/chat.js';
import { DEFAULTS } from '../../client/src/options.js';
import { FakeSocket, message } from '../../tests/fake-socket';
import { addEnglish } from '../i18n';
import { room } from '../i18n/en-room';
import { attention } from '../state/attention';
import { prefs } from '../state/prefs';
import { Store } from '../state/store';
import { StoreContext } from './context';
import { Settings } from './Settings';

addEnglish(room);

class FakeNotification {
  static permission: NotificationPermission = 'granted';
  static answer: NotificationPermission = 'granted';
  static shown: { title: string; body: string; tag: string; closed: boolean }[] = [];
  static async requestPermission() {
    FakeNotification.permission = FakeNotification.answer;
    return FakeNotification.permission;
  }
  readonly #entry;
  constructor(title: string, { body, tag }: { body: string; tag: string }) {
    this.#entry = { title, body, tag, closed: false };
    FakeNotification.shown.push(this.#entry);
  }
  close() {
    this.#entry.closed = true;
  }
}

let sounds = 0;
class FakeAudio {
  currentTime = 0;
  destination = {};
  createGain() {
    const gain = { setValueAtTime() {}, exponentialRampToValueAtTime() {} };
    return { gain, connect: () => {} };
  }
  createOscillator() {
    sounds += 0.5;
    return { frequency: { value: 0 }, connect: () => this.createGain(), start() {}, stop() {} };
  }
}

let socket: FakeSocket;
let store: Store;
let focused: boolean;
let hidden: boolean;
let id = 0;
beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('Notification', FakeNotification);
  vi.stubGlobal('AudioContext', FakeAudio);
  vi.spyOn(document, 'hasFocus').mockImplementation(() => focused);
  vi.spyOn(document, 'hidden', 'get').mockImplementation(() => hidden);
  Object.assign(FakeNotification, { permission: 'granted', answer: 'granted', shown: [] });
  [focused, hidden, sounds, id] = [false, false, 0, 0];
  prefs.notify.value = 'all';
  prefs.sound.value = true;
  socket = new FakeSocket();
  store = new Store(new Chat(() => socket, DEFAULTS));
  store.connection.connect();
  store.signIn.submit('tech', 'Ada');
  socket.up();
  socket.confirm();
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  prefs.notify.value = 'off';
  prefs.sound.value = false;
});

const say = (text: string, sender = 'Bob') => {
  id += 1;
  socket.say('receive_message', message(id, text, { sender, user_id: sender }));
};

describe('notifications', () => {
  let stop: () => void;
  beforeEach(() => {
    stop = attention(store, ({ sender }) => sender);
  });
  afterEach(() => stop());
  const all = () => FakeNotification.shown;

  it('come where the window is not in front, though its tab is not hidden', () => {
    say('hello');
    expect(all()).toMatchObject([{ title: 'Bob · #tech', body: 'hello', tag: 'tech' }]);
  });

  it('come where the tab is hidden, and not where the reader looks', () => {
    focused = true;
    say('seen');
    expect(all()).toEqual([]);
    [focused, hidden] = [false, true];
    say('unseen');
    expect(all()).toHaveLength(1);
  });

  it('are one of a room, however many messages there are, with one sound a second', () => {
    for (let i = 0; i < 200; i += 1) {
      say(`m${i}`, i % 2 ? 'Bob' : 'Cy');
      vi.advanceTimersByTime(10);
    }
    expect([all().length, sounds]).toEqual([1, 2]);
    vi.advanceTimersByTime(5000);
    expect(all()).toHaveLength(2);
    expect(all()[1]).toMatchObject({ title: '#tech', body: '200 new messages from Cy and Bob', tag: 'tech' });
    vi.advanceTimersByTime(60_000);
    expect(all()).toHaveLength(2);
  });

  it('go when the reader is back, and begin anew after that', () => {
    say('one');
    say('two');
    focused = true;
    dispatchEvent(new Event('focus'));
    vi.advanceTimersByTime(60_000);
    expect(all()).toMatchObject([{ closed: true }]);
    focused = false;
    say('three');
    expect(all()[1]).toMatchObject({ body: 'three' });
  });

  it('are of mentions only, where that is wished', () => {
    prefs.notify.value = 'mentions';
    say('nothing for you');
    say('but this, @Ada');
    expect(all().map(({ body }) => body)).toEqual(['but this, @Ada']);
  });

  it('are not tried where the browser refuses', () => {
    FakeNotification.permission = 'denied';
    say('hello');
    expect(all()).toEqual([]);
  });
});

describe('the setting', () => {
  const show = () =>
    render(
      <StoreContext.Provider value={store}>
        <Settings />
      </StoreContext.Provider>,
    );
  const blocked = 'Your browser blocks notifications for this page.';
  beforeEach(() => {
    vi.useRealTimers();
    prefs.notify.value = 'off';
    HTMLDialogElement.prototype.showModal ??= () => {};
  });

  it.each([
    ['refuses', 'denied'],
    ['is not answered', 'default'],
  ] as const)('says so when the browser %s', async (_, answer) => {
    FakeNotification.permission = 'default';
    FakeNotification.answer = answer;
    show();
    expect(screen.queryByText(blocked)).toBeNull();
    fireEvent.click(screen.getByLabelText('All messages'));
    expect(await screen.findByText(blocked)).toBeTruthy();
    fireEvent.click(screen.getByLabelText('Off'));
    await vi.waitFor(() => expect(screen.queryByText(blocked)).toBeNull());
  });

  it('says so when the permission was taken away since', () => {
    prefs.notify.value = 'all';
    FakeNotification.permission = 'denied';
    show();
    expect(screen.getByText(blocked)).toBeTruthy();
  });

  it('says so where the browser knows no notifications', () => {
    vi.stubGlobal('Notification', undefined);
    Reflect.deleteProperty(globalThis, 'Notification');
    prefs.notify.value = 'all';
    show();
    expect(screen.getByText(blocked)).toBeTruthy();
  });

  it('says nothing where notifications are shown', async () => {
    FakeNotification.permission = 'default';
    show();
    fireEvent.click(screen.getByLabelText('Mentions'));
    await vi.waitFor(() => expect(FakeNotification.permission).toBe('granted'));
    expect([prefs.notify.value, screen.queryByText(blocked)]).toEqual(['mentions', null]);
  });
});
