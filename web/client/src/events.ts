// What a chat reports.

import type { ConnectionState } from './connection.js';
import type { Continuity } from './cursor.js';
import type { Outgoing } from './outbox.js';
import type {
  Activity,
  DeletedMessage,
  Gap,
  MessageChanged,
  ReceiveMessage,
  RoomChanged,
  RoomInfo,
  Session,
  Shutdown,
  SystemMessage,
  TokenExpiring,
  TypingState,
  User,
  WireError,
} from './protocol.js';

export interface Joined {
  room: string;
  username: string;
  userId: string | null;
  continuity: Continuity;
  /** Positions start anew: what was there before is of another log. */
  epochChanged: boolean;
  /** The last id before what follows live; null on servers without ids. */
  lastId: number | null;
  /** New messages only, oldest first. */
  history: (ReceiveMessage | DeletedMessage)[];
}

export interface ChatEvents {
  connection: ConnectionState;
  session: Session;
  rooms: readonly RoomInfo[];
  joined: Joined;
  /** A join was refused; the client is in no room. */
  refused: { room: string; error: WireError };
  /** `live` is false for what was said before the join. */
  message: { message: ReceiveMessage; live: boolean };
  /** A message of the present room was edited or deleted. */
  changed: MessageChanged;
  notice: { room: string; notice: SystemMessage; live: boolean };
  gap: Gap;
  users: { room: string; users: readonly User[] };
  typing: TypingState;
  activity: Activity;
  /** How the room is run: topic, slow mode, lock, pins. Without it: no topic, and all as usual. */
  run: RoomChanged;
  outgoing: Outgoing;
  /** The token expires soon, and the connection ends then: a new one can be set as `token`. */
  expiring: TokenExpiring;
  shutdown: Shutdown;
  /** A refusal that answers neither a join nor a message. */
  problem: WireError;
}
