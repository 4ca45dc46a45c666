// Catches the eye of a reader who is elsewhere: the tab's title and icon, and, where asked for, notifications and
// a short sound.

import { effect } from '@preact/signals';
import { list, number, t } from '../i18n';
import type { MessageEntry } from '../log/timeline';
import { prefs } from './prefs';
import type { Store } from './store';

function title(room: string | null, count: number): string {
  const where = room === null ? t('appName') : `#${room} · ${t('appName')}`;
  return count > 0 ? `(${number(count)}) ${where}` : where;
}

let audio: AudioContext | undefined;

/** Two soft notes, made on the spot. */
function chime(): void {
  audio ??= new AudioContext();
  const now = audio.currentTime;
  for (const [at, pitch] of [
    [0, 660],
    [0.09, 880],
  ] as const) {
    const [tone, volume] = [audio.createOscillator(), audio.createGain()];
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.06, now + at);
    volume.gain.exponentialRampToValueAtTime(0.0001, now + at + 0.18);
    tone.connect(volume).connect(audio.destination);
    tone.start(now + at);
    tone.stop(now + at + 0.2);
  }
}

const SOUND_MS = 1000;
const UPDATE_MS = 5000;
const NAMED = 3;

/** Whether the reader looks elsewhere: at another tab, or at another window beside or over this one. */
const away = () => document.hidden || !document.hasFocus();

const allowed = () => 'Notification' in globalThis && Notification.permission === 'granted';

/**
 * One notification a room: the first message is shown immediately, and how many there are by now at most every five
 * seconds, in the place of the one before. The reader's return takes it away.
 */
class RoomNotice {
  readonly #room: string;
  #names: string[] = [];
  #count = 0;
  #shown: Notification | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(room: string) {
    this.#room = room;
  }

  add(sender: string, text: string): void {
    this.#count += 1;
    if (this.#names.length < NAMED && !this.#names.includes(sender)) this.#names.push(sender);
    if (this.#timer === undefined) this.#show(sender, text);
  }

  /** What was said is seen: the next message is the first again. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#shown?.close();
    this.#count = 0;
    this.#names = [];
  }

  #show(sender: string, text: string): void {
    const count = this.#count;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#count > count) this.#show(sender, text);
    }, UPDATE_MS);
    if (!allowed()) return;
    const [title, body] =
      count === 1
        ? [`${sender} · #${this.#room}`, text.slice(0, 200)]
        : [`#${this.#room}`, t('burst', { n: count, names: list(this.#names) })];
    try {
      this.#shown = new Notification(title, { body, tag: this.#room });
      this.#shown.onclick = () => {
        focus();
        this.clear();
      };
    } catch {
      // Some phones only allow notifications from a service worker.
    }
  }
}

/** Watches the store; the function returned ends that. `nameOf` says whose a message is. */
export function attention(store: Store, nameOf: (message: MessageEntry) => string): () => void {
  const icon = document.querySelector<HTMLLinkElement>('link[rel=icon]');
  const unwatch = effect(() => {
    const { count } = store.room.unread.here.value;
    document.title = title(store.room.name.value, count);
    if (icon) icon.href = count > 0 ? './favicon-unread.svg' : './favicon.svg';
  });
  const notices = new Map<string, RoomNotice>();
  let chimedAt = Number.NEGATIVE_INFINITY;
  const unlisten = store.room.onMessage((message, room) => {
    const wanted = prefs.notify.value;
    if (!away() || wanted === 'off' || (wanted === 'mentions' && !message.mention)) return;
    const notice = notices.get(room) ?? new RoomNotice(room);
    notices.set(room, notice);
    notice.add(nameOf(message), message.text);
    const now = performance.now();
    if (!prefs.sound.value || now - chimedAt < SOUND_MS) return;
    chimedAt = now;
    chime();
  });
  const back = () => {
    if (away()) return;
    for (const notice of notices.values()) notice.clear();
    notices.clear();
  };
  addEventListener('focus', back);
  document.addEventListener('visibilitychange', back);
  return () => {
    unwatch();
    unlisten();
    removeEventListener('focus', back);
    document.removeEventListener('visibilitychange', back);
    for (const notice of notices.values()) notice.clear();
    document.title = t('appName');
    if (icon) icon.href = './favicon.svg';
  };
}
