// Says new messages to screen readers: one utterance a second at most, several messages as a number of them.

import { signal } from '@preact/signals';
import { list, t } from '../i18n';

const PAUSE_MS = 1000;

export class Announcer {
  readonly text = signal('');
  #waiting: { name: string; text: string }[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  add(name: string, text: string): void {
    this.#waiting.push({ name, text });
    if (this.#timer === undefined) this.#speak();
  }

  /** Another room: what was to be said is of no use any more. */
  clear(): void {
    this.#waiting = [];
    this.text.value = '';
  }

  #speak(): void {
    const [first, ...others] = this.#waiting;
    this.#waiting = [];
    this.#timer = undefined;
    if (!first) return;
    const names = [...new Set([first, ...others].map((message) => message.name))];
    this.text.value =
      others.length === 0
        ? t('says', first)
        : t('burst', { n: others.length + 1, names: list(names.slice(0, 3)) });
    this.#timer = setTimeout(() => this.#speak(), PAUSE_MS);
  }
}
