// Messages that are answered but not in the log: asked for one after the other, once each.

import { type Signal, signal } from '@preact/signals';
import type { MessageEntry } from '../log/timeline';

/** Messages that are kept; the page shows a few hundred rows. */
const KEPT = 500;

/** A message; undefined while it is not known, null if it is gone. */
export type Quoted = MessageEntry | null | undefined;

export class Quotes {
  readonly #find: (id: number) => Promise<Quoted>;
  readonly #known = new Map<number, Signal<Quoted>>();
  #waiting: number[] = [];
  #asking = false;

  constructor(find: (id: number) => Promise<Quoted>) {
    this.#find = find;
  }

  /** Another room, or another log. */
  clear(): void {
    this.#known.clear();
    this.#waiting = [];
  }

  /** There is a connection again: asks for what got no answer. */
  again(): void {
    for (const [id, { value }] of this.#known) {
      if (value === undefined && !this.#waiting.includes(id)) this.#waiting.push(id);
    }
    this.#ask();
  }

  of(id: number): Signal<Quoted> {
    const found = this.#known.get(id);
    if (found) return found;
    const made = signal<Quoted>(undefined);
    this.#known.set(id, made);
    const [oldest] = this.#known.keys();
    if (this.#known.size > KEPT && oldest !== undefined) this.#known.delete(oldest);
    this.#waiting.push(id);
    this.#ask();
    return made;
  }

  async #ask(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    for (let id = this.#waiting.pop(); id !== undefined; id = this.#waiting.pop()) {
      const found = await this.#find(id);
      const cell = this.#known.get(id);
      if (cell) cell.value = found;
    }
    this.#asking = false;
  }
}
