// Where this client is in one room's log. Ids only grow within an epoch, so one number is enough to drop what was
// already applied; another epoch means that earlier positions mean nothing.

import type { JoinConfirm, Position } from './protocol.js';

/** How what follows a join continues what was there before it. */
export type Continuity =
  /** The first join of this room: nothing was there. */
  | 'fresh'
  /** Everything missed follows, in order. */
  | 'resumed'
  /** Something may be missing between what was there and what comes. */
  | 'broken';

export class Cursor {
  #epoch: string | null = null;
  #id = 0;
  #joined = false;

  get position(): Position | undefined {
    return this.#epoch === null ? undefined : { epoch: this.#epoch, id: this.#id };
  }

  /** Takes a join's answer in; history goes through `accept` afterwards. */
  join(confirm: JoinConfirm): { continuity: Continuity; epochChanged: boolean } {
    const epoch = confirm.epoch ?? null;
    const again = this.#joined;
    const sameLog = epoch !== null && this.#epoch === epoch && this.#id <= (confirm.last_id ?? 0);
    this.#joined = true;
    if (sameLog) return { continuity: confirm.recovered ? 'resumed' : 'broken', epochChanged: false };
    this.#epoch = epoch;
    this.#id = 0;
    return { continuity: again ? 'broken' : 'fresh', epochChanged: again };
  }

  /**
   * Whether `id` is new; if so it is now the newest. A server without ids never repeats itself. `epoch` is given where
   * the log was lost and goes on from there: ids then still grow.
   */
  accept(id: number | undefined, epoch = this.#epoch): boolean {
    if (id === undefined) return true;
    if (id <= this.#id) return false;
    this.#id = id;
    this.#epoch = epoch;
    return true;
  }
}
