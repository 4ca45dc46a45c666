// What the HTTP API answers, as far as this page reads it. `docs/api.md` and openapi.json have the whole.

export type Role = 'member' | 'moderator' | 'admin';

export interface Me {
  user_id: string;
  name?: string;
  role: Role;
  rooms?: string[];
  token_id?: string;
  expires?: string;
}

export interface Stats {
  version: string;
  uptime_s: number;
  ready: boolean;
  store: string;
  connections: number;
  connections_max: number;
  members: number;
  messages: number;
  deliveries: number;
  lag: number;
  slow_readers_closed: number;
  held_bytes: number;
  held_bytes_max: number;
  resident_bytes?: number;
  panics: number;
  rejected: Record<string, number>;
}

export interface Room {
  name: string;
  members: number;
  last_id: number;
  lag: number;
  topic: string;
  slow_mode_s: number;
  locked: boolean;
  pinned: number[];
}

export interface User {
  user_id: string;
  username: string;
  away?: true;
}

export interface Message {
  id: number;
  user_id?: string;
  sender: string;
  text: string;
  timestamp: string;
  bot?: true;
}

export interface Ban {
  key: string;
  kind: 'ban' | 'banned_network' | 'mute';
  user_id?: string;
  username?: string;
  network?: string;
  by: string;
  at: string;
  until?: string;
  reason?: string;
}

export interface AuditLine {
  id: number;
  at: string;
  action: string;
  actor: string;
  actor_name?: string;
  address?: string;
  room?: string;
  user_id?: string;
  username?: string;
  message?: number;
  reason?: string;
  value?: string;
  until?: string;
}

export interface Refusal {
  code: string;
  what?: string;
  message?: string;
  network?: string;
  count: number;
  first: string;
  last: string;
}

export interface Setting {
  name: string;
  group: string;
  value: string;
  secret: boolean;
  source: 'default' | 'environment' | 'flag' | 'host';
  help: string;
}

export interface Webhook {
  id: string;
  url: string;
  rooms?: string[];
  events: string[];
  created_at: string;
  by: string;
  state: 'active' | 'retrying' | 'paused';
  failing_since?: string;
  last_error?: string;
  next_attempt_at?: string;
  delivered: number;
}

export interface IncomingHook {
  id: string;
  room: string;
  username?: string;
  created_at: string;
  by: string;
}

export interface Held {
  id: string;
  room: string;
  user_id: string;
  username: string;
  text: string;
  at: string;
  matched?: string;
}
