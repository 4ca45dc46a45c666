// Which day it is, for what says "Today": changes at midnight, also after the machine slept or its clock was set.

import { signal } from '@preact/signals';
import { dayOf } from '../i18n';

const LOOK_MS = 60_000;

/** The midnight that today began with. */
export const today = signal(dayOf(Date.now()));

let timer: ReturnType<typeof setTimeout> | undefined;

function look(): void {
  const now = Date.now();
  today.value = dayOf(now);
  clearTimeout(timer);
  const midnight = new Date(now).setHours(24, 0, 0, 0);
  timer = setTimeout(look, Math.min(midnight - now, LOOK_MS));
}

look();
document.addEventListener('visibilitychange', look);
