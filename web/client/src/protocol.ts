// The wire: every event of both directions. Mirrors the server's `src/protocol.rs`, field for field; a test of
// this folder reads that file and fails when one of them has a field that the other lacks.
// Optional fields are those that the plain Flask-SocketIO chatroom does not send.

export interface RoomInfo {
  count: number;
  name: string;
}

/** `room_list` and `room_update`: rooms by name, in the server's order. */
export type RoomMap = Record<string, RoomInfo>;

export interface User {
  user_id: string;
  username: string;
}

export interface ReceiveMessage {
  sender: string;
  text: string;
  timestamp: string;
  room: string;
  id?: number;
  user_id?: string;
  client_id?: string;
}

export type NoticeKind = 'joined' | 'left' | 'renamed';

export interface SystemMessage {
  text: string;
  timestamp: string;
  id?: number;
  kind?: NoticeKind;
  username?: string;
  user_id?: string;
  room?: string;
}

export interface JoinConfirm {
  room: string;
  users_count: number;
  username: string;
  epoch?: string;
  last_id?: number;
  user_id?: string;
  recovered?: boolean;
  history?: ReceiveMessage[];
  users?: User[];
}

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
  | 'conflict'
  | 'unavailable';

export interface WireError {
  code?: ErrorCode;
  message: string;
  event?: string;
  retry_after_ms?: number;
}

/** What the server accepts; 0 = not limited. */
export interface Limits {
  message_max_chars: number;
  message_max_bytes: number;
  message_rate: number;
  message_burst: number;
  history_rate: number;
  history_burst: number;
  request_rate: number;
  request_burst: number;
  answer_bytes_rate: number;
  answer_bytes_burst: number;
  username_max_chars: number;
  username_max_bytes: number;
  client_id_max_chars: number;
  client_id_window: number;
  mailbox: number;
  history_page_max: number;
  users_page_max: number;
  payload_max_bytes: number;
}

export interface ServerInfo {
  name: string;
  version: string;
}

export interface Session {
  token: string | null;
  user_id: string;
  code?: string;
  limits: Limits;
  server: ServerInfo;
}

export interface TypingState {
  room: string;
  users: User[];
}

/** What is the newest message of each room; 0 where there is none. */
export interface Activity {
  rooms: Record<string, number>;
}

export interface Gap {
  room: string;
  from: number;
  to: number;
  epoch?: string;
}

export interface Shutdown {
  reconnect_in_ms: number;
}

export interface Position {
  epoch: string;
  id: number;
}

export interface JoinRoom {
  room_name: string;
  username: string;
  history?: number;
  after?: Position;
  users?: boolean;
}

export interface LeaveRoom {
  /** Not yet: when the connection has ended, unless the same user is back within two seconds. */
  closing?: boolean;
}

export interface SendMessage {
  text: string;
  client_id: string;
}

export interface GetHistory {
  before?: number;
  after?: number;
  limit: number;
}

export interface ListUsers {
  after?: string;
  limit?: number;
}

export interface Refused {
  ok: false;
  error: WireError;
}

export type Ack<T extends object> = ({ ok: true } & T) | Refused;

export interface SentBody {
  id: number;
  timestamp: string;
  duplicate?: boolean;
}

export interface HistoryBody {
  messages: ReceiveMessage[];
  more: boolean;
}

export interface UsersBody {
  users: User[];
  total: number;
  more: boolean;
}

export interface ServerEvents {
  room_list: RoomMap;
  room_update: RoomMap;
  join_confirm: JoinConfirm;
  receive_message: ReceiveMessage;
  system_message: SystemMessage;
  error: WireError;
  session: Session;
  typing: TypingState;
  activity: Activity;
  gap: Gap;
  shutdown: Shutdown;
}

export interface ClientEvents {
  join_room: JoinRoom;
  leave_room: LeaveRoom;
  send_message: SendMessage;
  get_history: GetHistory;
  list_users: ListUsers;
  typing: { typing: boolean };
}
