// The wire: every event of both directions. Generated from src/protocol.rs by `npm run wire`; do not edit.
// Optional fields are those that the server may leave out, or that the plain Flask-SocketIO chatroom never sends.

/** What a `system_message` is about. */
export type NoticeKind = 'joined' | 'left' | 'removed' | 'renamed';

/** Why a request was refused. */
export type ErrorCode =
  | 'unknown_room'
  | 'invalid_payload'
  | 'invalid_username'
  | 'invalid_text'
  | 'text_too_long'
  | 'not_in_room'
  | 'rate_limited'
  | 'busy'
  | 'username_taken'
  | 'muted'
  | 'banned'
  | 'slow_mode'
  | 'locked'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'token_expired'
  | 'unavailable'
  | 'too_late'
  | 'held';

/** A room of `room_list` and `room_update`. */
export interface RoomInfo {
  count: number;
  name: string;
}

/** One user in `users` lists. */
export interface User {
  /** Who. */
  user_id: string;
  /** Under which name. */
  username: string;
  /** The user has said that they are away, and has no connection; absent if not. */
  away?: boolean;
}

/** One emoji in a message's `reactions`. */
export interface ReactionCount {
  /** The emoji. */
  emoji: string;
  /** How many users have reacted with it. */
  count: number;
  /** Whether the reader has; absent if the reader is no user. */
  mine?: boolean;
}

/** `receive_message` */
export interface ReceiveMessage {
  /** The sender's name. */
  sender: string;
  /** The text, as it was sent. */
  text: string;
  /** RFC 3339, UTC, milliseconds. */
  timestamp: string;
  /** The room. */
  room: string;
  /** Position in the room. */
  id?: number;
  /** The sender. */
  user_id?: string;
  /** The sender's idempotency key. */
  client_id?: string;
  /** Id of the message that this one answers; absent if it answers none. That message may be gone. */
  reply_to?: number;
  /** When the text was last edited; absent if it never was. RFC 3339, UTC, milliseconds. */
  edited_at?: string;
  /** A program wrote it; absent if not. */
  bot?: boolean;
  /** The reactions to it, in history and search results; absent if there are none. */
  reactions?: ReactionCount[];
  /** It is pinned, in history and search results; absent if not. */
  pinned?: boolean;
}

/** `message_changed` */
export interface MessageChanged {
  /** The room. */
  room: string;
  /** Position of the change in the room. */
  id: number;
  /** Id of the message. */
  of: number;
  /** What has changed. */
  kind: 'edited' | 'deleted' | 'reacted' | 'unreacted' | 'pinned' | 'unpinned';
  /** Who changed it. */
  user_id: string;
  /** Who changed it. */
  username: string;
  /** RFC 3339, UTC, milliseconds. */
  timestamp: string;
  /** The new text of an edited message. */
  text?: string;
  /** The emoji of a reaction. */
  emoji?: string;
  /** How many users have reacted with the emoji now. */
  count?: number;
}

/** A deleted message in `history`, `get_history` and exports. */
export interface DeletedMessage {
  /** Position in the room. */
  id: number;
  /** Always true. */
  deleted: true;
  /** The room. */
  room: string;
  /** When the message was accepted: RFC 3339, UTC, milliseconds. */
  timestamp: string;
}

/** `system_message` */
export interface SystemMessage {
  /** For people. */
  text: string;
  /** RFC 3339, UTC, milliseconds. */
  timestamp: string;
  /** Position in the room; absent where the notice is for its reader alone. */
  id?: number;
  /** For programs. */
  kind?: NoticeKind;
  /** Whom it is about. */
  username?: string;
  /** Whom it is about. */
  user_id?: string;
  /** The room. */
  room?: string;
}

/** `join_confirm`, and the body of `join_room`'s acknowledgement. */
export interface JoinConfirm {
  /** The room. */
  room: string;
  /** Members now, the joiner included. */
  users_count: number;
  /** The name the joiner goes by. */
  username: string;
  /** Which incarnation of the room's log ids belong to. */
  epoch?: string;
  /** The last id before what follows live. */
  last_id?: number;
  /** Who the joiner is. */
  user_id?: string;
  /** Whether everything after `after` follows; present where `after` was asked. */
  recovered?: boolean;
  /** The newest messages, oldest first; present where asked. */
  history?: (ReceiveMessage | DeletedMessage)[];
  /** The room's users; present where asked. */
  users?: User[];
}

/** `error`: a refusal to a request that asked for no acknowledgement. */
export interface WireError {
  /** For people. */
  message: string;
  /** For programs: one of `RequestErrorCode`. */
  code?: ErrorCode;
  /** The event that was refused. */
  event?: string;
  /** When it may be tried again, in milliseconds. */
  retry_after_ms?: number;
}

/** `session.limits`: what a client can check before it sends. 0 = not limited. */
export interface Limits {
  /** Graphemes in a message. */
  message_max_chars: number;
  /** UTF-8 bytes in a message. */
  message_max_bytes: number;
  /** Messages a second, on average. */
  message_rate: number;
  /** Messages in a burst. */
  message_burst: number;
  /** Joins and pages of history a second, on average. */
  history_rate: number;
  /** Joins and pages of history in a burst. */
  history_burst: number;
  /** Other requests a second, on average. */
  request_rate: number;
  /** Other requests in a burst. */
  request_burst: number;
  /** Bytes of answers a second, on average. */
  answer_bytes_rate: number;
  /** Bytes of answers in a burst. */
  answer_bytes_burst: number;
  /** Graphemes in a name. */
  username_max_chars: number;
  /** UTF-8 bytes in a name. */
  username_max_bytes: number;
  /** Characters in a `client_id`. */
  client_id_max_chars: number;
  /** Messages of a room in which a `client_id` is remembered. */
  client_id_window: number;
  /** Requests that may wait to be handled before `busy`. */
  mailbox: number;
  /** Messages in one page of history. */
  history_page_max: number;
  /** Users in one page of the room's users. */
  users_page_max: number;
  /** Bytes in one packet from a client. */
  payload_max_bytes: number;
  /** How long a page is hidden before it closes its connection, in milliseconds; 0 = it never does. */
  park_after_ms: number;
  /** How long a message may be edited, in milliseconds; 0 = never. */
  edit_window_ms?: number;
}

/** `session.server` */
export interface ServerInfo {
  /** `hubbub` */
  name: string;
  /** Its version. */
  version: string;
  /** What it can do beyond the first release: names from `FEATURES`. */
  features?: string[];
}

/** `session` */
export interface Session {
  /** Proof of this identity for a later CONNECT. */
  token: string;
  /** Who this connection is to others. */
  user_id: string;
  /** Why a presented token was not honoured; absent if it was honoured or none was presented. */
  code?: string;
  /** What the server accepts. */
  limits: Limits;
  /** What the server is. */
  server: ServerInfo;
  /** What this user may do to others. */
  role?: 'member' | 'moderator' | 'admin';
  /** Whether clients need a token: `open` or `required`. */
  auth?: 'open' | 'required';
  /** The only name that the token allows; absent if it allows any. */
  name?: string;
}

/** `typing` from the server. */
export interface TypingState {
  /** The room. */
  room: string;
  /** Who is typing, at most `TYPING_USERS_MAX`. */
  users: User[];
}

/** `activity`: which rooms have messages that users in other rooms have not seen. */
export interface Activity {
  /** The id of each room's newest message. */
  rooms: Record<string, number>;
}

/** `room_changed`: how a room is run; the newest state counts. */
export interface RoomChanged {
  /** The room. */
  room: string;
  /** What it is about; empty if it has no topic. */
  topic: string;
  /** Seconds between two messages of one user; 0 = not limited. */
  slow_mode_s: number;
  /** Only moderators may write. */
  locked: boolean;
  /** Ids of the pinned messages, oldest first. */
  pinned: number[];
}

/** `gap`: messages `from` to `to`, both included, can no longer be had. */
export interface Gap {
  /** The room. */
  room: string;
  /** First id missing. */
  from: number;
  /** Last id missing. */
  to: number;
  /** The log's new incarnation, where it was lost while this connection was in the room. */
  epoch?: string;
}

/** `token_expiring` */
export interface TokenExpiring {
  /** When the connection ends, in milliseconds. */
  expires_in_ms: number;
}

/** `shutdown` */
export interface Shutdown {
  /** When to connect again, in milliseconds. */
  reconnect_in_ms: number;
}

/** A position in a room's log. */
export interface Position {
  /**
   * Which incarnation of the log `id` belongs to. Empty, which none is, where the client named
   * one that is longer than any.
   */
  epoch: string;
  /** The last id the client has. */
  id: number;
}

/** `join_room` */
export interface JoinRoom {
  room_name: string;
  username?: string;
  history?: number;
  after?: Position;
  users?: boolean;
}

/** `leave_room` */
export interface LeaveRoom {
  closing?: boolean;
  away?: boolean;
}

/** `send_message` */
export interface SendMessage {
  text: string;
  client_id?: string;
  reply_to?: number;
}

/** `edit_message` */
export interface EditMessage {
  id: number;
  text: string;
  client_id?: string;
}

/** `delete_message` */
export interface DeleteMessage {
  id: number;
}

/** `react` */
export interface React {
  id: number;
  emoji: string;
  on: boolean;
}

/** `get_history` */
export interface GetHistory {
  before?: number;
  after?: number;
  around?: number;
  limit: number;
}

/** `search` */
export interface SearchMessages {
  text: string;
  before?: number;
  limit: number;
}

/** `list_users` */
export interface ListUsers {
  after?: string;
  limit?: number;
}

/** `typing` */
export interface Typing {
  typing: boolean;
}

/** `watch_room` */
export interface WatchRoom {
  room_name: string;
  history?: number;
}

/** `unwatch_room` */
export interface UnwatchRoom {
  room_name: string;
}

/** `moderate`: each action needs some of the fields */
export interface Moderate {
  action: string;
  user_id?: string;
  for_s?: number;
  address?: boolean;
  reason?: string;
  seconds?: number;
  locked?: boolean;
  text?: string;
  id?: number;
  on?: boolean;
}

/** Body of `send_message`'s acknowledgement. */
export interface SentBody {
  /** Position in the room. */
  id: number;
  /** RFC 3339, UTC, milliseconds. */
  timestamp: string;
  /** The key was known: this is the message sent first. */
  duplicate?: boolean;
}

/** Body of `get_history`'s acknowledgement. */
export interface HistoryBody {
  /** Oldest first, as `receive_message` payloads. */
  messages: (ReceiveMessage | DeletedMessage)[];
  /** Whether there are more in the asked direction; with `around`, whether there are older ones. */
  more: boolean;
  /** With `around`, whether there are newer ones. */
  more_after?: boolean;
}

/** Body of `list_users`' acknowledgement. */
export interface UsersBody {
  /** In order of joining, at most `USERS_MAX`. */
  users: User[];
  /** All. */
  total: number;
  /** Whether there are more after these. */
  more: boolean;
}

/** Body of `watch_room`'s acknowledgement. */
export interface WatchBody {
  /** The room. */
  room: string;
  /** Which incarnation of the room's log ids belong to. */
  epoch: string;
  /** The last id before what follows live. */
  last_id: number;
  /** The newest messages, oldest first; present where asked. */
  history?: (ReceiveMessage | DeletedMessage)[];
}

/** Body of `search`'s acknowledgement. */
export interface SearchBody {
  /** Newest first, as `receive_message` payloads. */
  messages: ReceiveMessage[];
  /**
   * Whether older messages have not been looked at. One request looks at a part of them only, so there may be
   * more even without any message here.
   */
  more: boolean;
  /** Where the next request goes on, if there is more. */
  before?: number;
}

/** The acknowledgement of a refused request. */
export interface Refused {
  /** Always false. */
  ok: false;
  /** Why. */
  error: WireError;
}

/** `room_list` and `room_update`: rooms by name, in the server's order. */
export type RoomMap = Record<string, RoomInfo>;

/** The acknowledgement of a request. */
export type Ack<T extends object> = ({ ok: true } & T) | Refused;

/** What the server sends. */
export interface ServerEvents {
  /** All rooms and their counts, once, before anything else. */
  room_list: RoomMap;
  /** All rooms and their counts, whenever one changed. */
  room_update: RoomMap;
  /** Who this connection is, and the limits it lives under. */
  session: Session;
  /** A join has happened; to the joiner. */
  join_confirm: JoinConfirm;
  /** A user joined, left or changed their name; to the room. */
  system_message: SystemMessage;
  /** A chat message; to the room. */
  receive_message: ReceiveMessage;
  /** A message was edited or deleted, or has other reactions; to the room. */
  message_changed: MessageChanged;
  /** Who is typing in the room; the newest state wins. */
  typing: TypingState;
  /** How the room is run; the newest state wins. */
  room_changed: RoomChanged;
  /** The newest message of each room; the newest state wins. */
  activity: Activity;
  /** This connection's token expires soon. */
  token_expiring: TokenExpiring;
  /** Messages this connection can no longer get. */
  gap: Gap;
  /** The server is going away. */
  shutdown: Shutdown;
  /** A refused request that asked for no acknowledgement. */
  error: WireError;
}

/** What a client sends. */
export interface ClientEvents {
  edit_message: EditMessage;
  delete_message: DeleteMessage;
  react: React;
  get_history: GetHistory;
  join_room: JoinRoom;
  leave_room: LeaveRoom;
  send_message: SendMessage;
  list_users: ListUsers;
  typing: Typing;
  moderate: Moderate;
  search: SearchMessages;
  watch_room: WatchRoom;
  unwatch_room: UnwatchRoom;
}
