// How a chat connects and sends.

import type { OutboxLimits } from './outbox.js';

export interface ChatOptions {
  /** Newest messages asked for with a join. */
  history: number;
  /** A token of an earlier session, to be the same person again. */
  token: string | null;
  firstRetryMs: number;
  maxRetryMs: number;
  outbox: OutboxLimits;
  /** In a page: whether it closes its connection where the server asks hidden pages to. */
  park: boolean;
}

export const DEFAULTS: ChatOptions = {
  history: 100,
  token: null,
  firstRetryMs: 400,
  maxRetryMs: 15_000,
  outbox: { ackTimeoutMs: 4_000, deadlineMs: 8_000, retryWindowMs: 30_000, capacity: 500 },
  park: true,
};
