// The client module's door: `createChat` gives a connected-by-itself chat over stock socket.io-client, complete.
// A page that wants its first screen early takes `createChat` from create.ts and provides the parts later.

import { provideParts } from './chat';
import { Outbox } from './outbox';
import { Roster } from './roster';

export type { Chat, ChatEvents, ChatOptions, Joined } from './chat';
export type { ConnectionState } from './connection';
export { createChat } from './create';
export type { Failure, FailureCode, Outgoing, OutgoingState } from './outbox';
export type * from './protocol';

provideParts({ Outbox, Roster });
