// Why a promise of this package was rejected.

import type { ConnectionState } from './connection.js';
import type { FailureCode } from './outbox.js';

export type HubbubErrorCode =
  | FailureCode
  /** The room was left or the client closed. */
  | 'closed'
  /** The server does not accept this connection. */
  | 'connection_refused'
  /** The server ended the connection, for instance because the same session continues elsewhere. */
  | 'connection_ended';

export class HubbubError extends Error {
  override readonly name = 'HubbubError';
  readonly code: HubbubErrorCode;
  /** `send`: the key of the message. */
  readonly clientId: string | undefined;

  constructor(code: HubbubErrorCode, message: string, { clientId }: { clientId?: string } = {}) {
    super(message);
    this.code = code;
    this.clientId = clientId;
  }

  /** The error of a connection that is not tried again, if this is one. */
  static ofConnection(state: ConnectionState): HubbubError | null {
    if (state.phase === 'refused') return new HubbubError('connection_refused', state.message);
    if (state.phase === 'ended')
      return new HubbubError('connection_ended', 'the server ended the connection');
    return null;
  }
}
