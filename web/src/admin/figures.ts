// The figures, read every few seconds while the page is visible, whatever section is open: the charts have what
// happened meanwhile.

import { effect, signal } from '@preact/signals';
import { messageOf } from './api';
import { Samples } from './samples';
import { api, session } from './session';
import type { Stats } from './types';

const EVERY_MS = 3_000;

export const stats = signal<Stats | null>(null);
export const failure = signal('');
/** The samples so far, oldest first. */
export const samples = signal<Samples['list']>([]);

let collected = new Samples();
let running = false;

export async function read(): Promise<void> {
  if (running || document.hidden) return;
  running = true;
  const asked = session.peek();
  try {
    const now = await api().get<Stats>('stats');
    if (session.peek() !== asked) return;
    stats.value = now;
    failure.value = '';
    collected.add(now, Date.now());
    samples.value = collected.list;
  } catch (error) {
    failure.value = messageOf(error);
  } finally {
    running = false;
  }
}

effect(() => {
  if (!session.value) return;
  collected = new Samples();
  samples.value = [];
  stats.value = null;
  void read();
  const timer = setInterval(read, EVERY_MS);
  document.addEventListener('visibilitychange', read);
  return () => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', read);
  };
});
