// A list that comes in pages: what is loaded, whether there is more, and why there is nothing.

import { signal } from '@preact/signals';
import { ApiFailure, messageOf } from './api';

export interface Page<T> {
  items: T[];
  more: boolean;
}

export type ListState =
  | 'loading'
  | 'ready'
  /** The token's role is too small. */
  | 'forbidden'
  /** This server does not have the thing. */
  | 'absent'
  | 'failed';

export class List<T> {
  readonly items = signal<readonly T[]>([]);
  readonly more = signal(false);
  readonly state = signal<ListState>('loading');
  readonly error = signal('');
  /** A page is on its way. */
  readonly busy = signal(false);
  #run = 0;

  constructor(readonly fetchPage: (last: T | null) => Promise<Page<T>>) {}

  /** Loads the first page again; what is shown stays until it is there. */
  async load(): Promise<void> {
    this.#run += 1;
    await this.#fetch(null, []);
  }

  /** Loads the next page. */
  async next(): Promise<void> {
    const last = this.items.peek().at(-1);
    if (last === undefined || !this.more.peek() || this.busy.peek()) return;
    await this.#fetch(last, this.items.peek());
  }

  /** Answers of earlier loads are of no interest any more. */
  close(): void {
    this.#run += 1;
  }

  async #fetch(last: T | null, before: readonly T[]): Promise<void> {
    const run = this.#run;
    this.busy.value = true;
    try {
      const page = await this.fetchPage(last);
      if (run !== this.#run) return;
      this.items.value = [...before, ...page.items];
      this.more.value = page.more && page.items.length > 0;
      this.state.value = 'ready';
      this.error.value = '';
    } catch (error) {
      if (run !== this.#run) return;
      this.error.value = messageOf(error);
      this.state.value = stateAfter(error);
    } finally {
      if (run === this.#run) this.busy.value = false;
    }
  }
}

function stateAfter(error: unknown): ListState {
  if (!(error instanceof ApiFailure)) return 'failed';
  if (error.status === 403) return 'forbidden';
  if (error.status === 404 && error.code === 'not_found') return 'absent';
  return 'failed';
}
