// Catches the eye of a reader who is elsewhere: the tab's title and icon, and, where asked for, notifications and
// a short sound.

import { effect } from '@preact/signals';
import { number, t } from '../i18n';
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

function notify(room: string, sender: string, text: string): void {
  if (!('Notification' in globalThis) || Notification.permission !== 'granted') return;
  try {
    // One a room: a newer one takes the older one's place.
    const shown = new Notification(`${sender} · #${room}`, { body: text.slice(0, 200), tag: room });
    shown.onclick = () => {
      focus();
      shown.close();
    };
  } catch {
    // Some phones only allow notifications from a service worker.
  }
}

/** Watches the store; the function returned ends that. */
export function attention(store: Store): () => void {
  const icon = document.querySelector<HTMLLinkElement>('link[rel=icon]');
  const unwatch = effect(() => {
    const { count } = store.unread.here.value;
    document.title = title(store.room.value, count);
    if (icon) icon.href = count > 0 ? './favicon-unread.svg' : './favicon.svg';
  });
  const unlisten = store.onMessage((message, room) => {
    const wanted = prefs.notify.value;
    if (!document.hidden || wanted === 'off' || (wanted === 'mentions' && !message.mention)) return;
    notify(room, message.sender, message.text);
    if (prefs.sound.value) chime();
  });
  return () => {
    unwatch();
    unlisten();
    document.title = t('appName');
    if (icon) icon.href = './favicon.svg';
  };
}
