// The package's entry. `createClient` is for programs: any number of rooms, promises, getters. `createChat` is one
// connection with its events, which a page draws from; a page that wants its first screen early imports it from
// create.ts and provides the parts later.

import { Client } from './client.js';
import { type CreateOptions, createChat } from './create.js';
import { Membership } from './membership.js';
import { Parking } from './parking.js';
import { provideParts } from './parts.js';

export type { Chat } from './chat.js';
export type { Client, ClientEvents, JoinOptions } from './client.js';
export type { ConnectionState } from './connection.js';
export { type CreateOptions, createChat } from './create.js';
export { HubbubError, type HubbubErrorCode } from './errors.js';
export type { ChatEvents, Joined } from './events.js';
export type { ChatOptions } from './options.js';
export type { Failure, FailureCode, Outgoing, OutgoingState, SendOptions } from './outbox.js';
export type * from './protocol.js';
export type { Room, RoomEvents, Sent } from './room.js';

provideParts({ Membership, Parking });

/**
 * A client of the server at `url` (in a page: leave it out for the page's own server). It connects with the first
 * `join`, or with `connect()`. Works in browsers and in Node.
 */
export function createClient(url?: string | URL, options: CreateOptions = {}): Client {
  return new Client((token) => createChat(url, { ...options, token }), options.token ?? null);
}
