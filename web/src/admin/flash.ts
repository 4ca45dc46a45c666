// The result of the last action: shown for a while, and said to screen readers.

import { signal } from '@preact/signals';
import { messageOf } from './api';

const SHOWN_MS = 8_000;

export interface Flash {
  text: string;
  bad: boolean;
}

export const flash = signal<Flash | null>(null);
let timer: ReturnType<typeof setTimeout> | undefined;

function show(text: string, bad: boolean): void {
  clearTimeout(timer);
  flash.value = { text, bad };
  timer = setTimeout(() => {
    flash.value = null;
  }, SHOWN_MS);
}

export const say = (text: string) => show(text, false);
export const sayFailure = (error: unknown) => show(messageOf(error), true);

/** Does something, and says how it went. Returns whether it went well. */
export async function attempt(action: () => Promise<unknown>, done: string): Promise<boolean> {
  try {
    await action();
    say(done);
    return true;
  } catch (error) {
    sayFailure(error);
    return false;
  }
}
