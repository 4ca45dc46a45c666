// Who is in the room, kept up to date from the notices. Large rooms send no notices, so whenever the room's count
// disagrees with the list for a while, the list is asked for again.

import type { SystemMessage, User } from './protocol.js';

const SETTLE_MS = 1500;
/** Longer lists are cut by the server; then only the count is exact. */
const LIST_MAX = 1000;

export class Roster {
  readonly #changed: (users: readonly User[]) => void;
  readonly #refresh: () => void;
  #users: User[] | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(changed: (users: readonly User[]) => void, refresh: () => void) {
    this.#changed = changed;
    this.#refresh = refresh;
  }

  /** The whole list, from the server. Undefined where the server does not tell. */
  reset(users: readonly User[] | undefined): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#users = users ? [...users] : null;
    if (this.#users) this.#changed(this.#users);
  }

  notice(notice: SystemMessage): void {
    const { user_id, username, kind } = notice;
    if (!this.#users || user_id === undefined || username === undefined) return;
    const others = this.#users.filter((user) => user.user_id !== user_id);
    this.#users = kind === 'left' || kind === 'removed' ? others : [...others, { user_id, username }];
    this.#changed(this.#users);
  }

  /** A user who types or says something is not away. */
  active(userId: string | undefined): void {
    const user = this.#users?.find(({ user_id, away }) => away && user_id === userId);
    if (!this.#users || !user) return;
    const { away: _, ...back } = user;
    this.#users = this.#users.map((other) => (other === user ? back : other));
    this.#changed(this.#users);
  }

  /** The room's count as the server tells it. */
  count(count: number): void {
    if (!this.#users) return;
    if (count === this.#users.length || (this.#users.length >= LIST_MAX && count > LIST_MAX)) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      return;
    }
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#refresh();
    }, SETTLE_MS);
  }
}
