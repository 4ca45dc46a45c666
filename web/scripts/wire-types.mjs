// Writes the wire types of the client module from the server's own types, docs included: `npm run wire`. A test fails
// when what is written differs from what would be.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const target = join(root, 'web/client/src/protocol.ts');
const read = (path) => readFileSync(join(root, path), 'utf8');

/**
 * Which Rust struct becomes which interface, in this order. `plain` names the fields that the plain Flask-SocketIO
 * chatroom does not send, and which are optional for that reason; `types` gives the type of a field if Rust's own says
 * less than is known.
 */
const INTERFACES = [
  { rust: 'RoomCount', name: 'RoomInfo', doc: 'A room of `room_list` and `room_update`.' },
  { rust: 'User' },
  { rust: 'ReactionCount' },
  { rust: 'ReceiveMessage', plain: ['id', 'user_id'] },
  {
    rust: 'MessageChanged',
    types: { kind: "'edited' | 'deleted' | 'reacted' | 'unreacted' | 'pinned' | 'unpinned'" },
  },
  { rust: 'DeletedMessage', types: { deleted: 'true' } },
  { rust: 'SystemMessage', plain: ['id', 'kind', 'username', 'user_id', 'room'] },
  {
    rust: 'JoinConfirm',
    plain: ['epoch', 'last_id', 'user_id'],
    types: { history: '(ReceiveMessage | DeletedMessage)[]' },
  },
  { rust: 'ErrorEvent', name: 'WireError', plain: ['code', 'event'], types: { code: 'ErrorCode' } },
  { rust: 'Limits', plain: ['edit_window_ms'] },
  { rust: 'ServerInfo', plain: ['features'] },
  {
    rust: 'SessionInfo',
    name: 'Session',
    plain: ['role', 'auth'],
    types: { role: "'member' | 'moderator' | 'admin'", auth: "'open' | 'required'" },
  },
  { rust: 'TypingState' },
  { rust: 'Activity' },
  { rust: 'RoomChanged' },
  { rust: 'Gap' },
  { rust: 'TokenExpiring' },
  { rust: 'Shutdown' },
  { rust: 'Position' },
  { rust: 'JoinWire', name: 'JoinRoom', doc: '`join_room`', types: { after: 'Position' } },
  { rust: 'LeaveWire', name: 'LeaveRoom', doc: '`leave_room`' },
  { rust: 'SendWire', name: 'SendMessage', doc: '`send_message`', types: { text: 'string' } },
  { rust: 'EditWire', name: 'EditMessage', doc: '`edit_message`', types: { text: 'string' } },
  { rust: 'DeleteWire', name: 'DeleteMessage', doc: '`delete_message`' },
  { rust: 'ReactWire', name: 'React', doc: '`react`' },
  { rust: 'HistoryWire', name: 'GetHistory', doc: '`get_history`' },
  { rust: 'SearchWire', name: 'SearchMessages', doc: '`search`' },
  { rust: 'UsersWire', name: 'ListUsers', doc: '`list_users`' },
  { rust: 'TypingWire', name: 'Typing', doc: '`typing`' },
  { rust: 'WatchWire', name: 'WatchRoom', doc: '`watch_room`' },
  { rust: 'UnwatchWire', name: 'UnwatchRoom', doc: '`unwatch_room`' },
  { rust: 'ModerateWire', name: 'Moderate', doc: '`moderate`: each action needs some of the fields' },
  { rust: 'SentBody' },
  { rust: 'HistoryBody', types: { messages: '(ReceiveMessage | DeletedMessage)[]' } },
  { rust: 'UsersBody' },
  { rust: 'WatchBody', types: { history: '(ReceiveMessage | DeletedMessage)[]' } },
  { rust: 'SearchBody', types: { messages: 'ReceiveMessage[]' } },
  { rust: 'RefusedAck', name: 'Refused', types: { ok: 'false', error: 'WireError' } },
];

const SERVER_EVENTS = {
  room_list: 'RoomMap',
  room_update: 'RoomMap',
  session: 'Session',
  join_confirm: 'JoinConfirm',
  system_message: 'SystemMessage',
  receive_message: 'ReceiveMessage',
  message_changed: 'MessageChanged',
  typing: 'TypingState',
  activity: 'Activity',
  room_changed: 'RoomChanged',
  token_expiring: 'TokenExpiring',
  gap: 'Gap',
  shutdown: 'Shutdown',
  error: 'WireError',
};

const CLIENT_EVENTS = {
  join_room: 'JoinRoom',
  leave_room: 'LeaveRoom',
  send_message: 'SendMessage',
  edit_message: 'EditMessage',
  delete_message: 'DeleteMessage',
  react: 'React',
  get_history: 'GetHistory',
  list_users: 'ListUsers',
  search: 'SearchMessages',
  typing: 'Typing',
  watch_room: 'WatchRoom',
  unwatch_room: 'UnwatchRoom',
  moderate: 'Moderate',
};

/** As the formatter has it (see biome.json). */
const LINE_MAX = 110;

const PRIMITIVES = {
  String: 'string',
  str: 'string',
  bool: 'boolean',
  u32: 'number',
  u64: 'number',
  usize: 'number',
  NewestIds: 'Record<string, number>',
};

/** The TypeScript of a Rust type without its `Option`; interfaces keep their names. */
function typeOf(rust) {
  const bare = rust
    .replace(/'[a-z]+,? ?/g, '')
    .replace(/<>|&/g, '')
    .trim();
  const list = /^(?:Vec<(.*)>|\[(.*)\])$/.exec(bare);
  if (list) return `${typeOf(list[1] ?? list[2])}[]`;
  const boxed = /^(?:Cow|Box)<(.*)>$/.exec(bare);
  if (boxed) return typeOf(boxed[1]);
  const known = PRIMITIVES[bare] ?? (/^[A-Z]\w+$/.test(bare) && bare !== 'RawValue' ? bare : undefined);
  if (!known) throw new Error(`there is no TypeScript for the Rust type ${rust}; add it to wire-types.mjs`);
  return known;
}

/** A Rust doc comment as one of TypeScript; links lose their brackets. */
function docOf(lines, indent) {
  const text = lines.map((line) => line.replace(/\[(`[^`]+`)\]/g, '$1').replaceAll('crate::domain::', ''));
  if (text.length === 0) return '';
  if (text.length === 1) return `${indent}/** ${text[0]} */\n`;
  return `${indent}/**\n${text.map((line) => `${indent} * ${line}`.trimEnd()).join('\n')}\n${indent} */\n`;
}

const docLines = (source) => [...source.matchAll(/^ *\/\/\/ ?(.*)$/gm)].map(([, line]) => line);

function fieldsOf(body) {
  const fields = [];
  let before = '';
  for (const line of body.split('\n')) {
    const field = /^ *(?:pub )?([a-z_]+): (.*),$/.exec(line);
    if (!field) {
      before += `${line}\n`;
      continue;
    }
    const [, name, type] = field;
    const option = /^Option<(.*)>$/.exec(type);
    const optional = option !== null || /skip_serializing_if|\(default/.test(before);
    fields.push({ name, type: option?.[1] ?? type, optional, docs: docLines(before) });
    before = '';
  }
  return fields;
}

function interfaceOf(source, { rust, name = rust, doc, plain = [], types = {} }) {
  const struct = new RegExp(
    `((?:^ *///.*\\n)*)(?:^ *#\\[.*\\n)*^( *)(?:pub(?:\\(super\\))? )?struct ${rust}(?:<'a>)? \\{\\n([\\s\\S]*?)\\n\\2\\}`,
    'm',
  ).exec(source);
  if (!struct) throw new Error(`src/protocol has no struct ${rust}`);
  const fields = fieldsOf(struct[3]);
  for (const field of [...plain, ...Object.keys(types)]) {
    if (!fields.some((other) => other.name === field)) throw new Error(`${rust} has no field ${field}`);
  }
  const lines = fields.map((field) => {
    const optional = field.optional || plain.includes(field.name) ? '?' : '';
    const type = types[field.name] ?? typeOf(field.type);
    return `${docOf(field.docs, '  ')}  ${field.name}${optional}: ${type};\n`;
  });
  const docs = doc ? [doc] : docLines(struct[1]);
  return `${docOf(docs, '')}export interface ${name} {\n${lines.join('')}}\n`;
}

/** The names in `found` and in `payloads` are the same ones. */
function eventsOf(name, found, payloads, doc) {
  const missing = found.filter(({ event }) => !(event in payloads)).map(({ event }) => event);
  const gone = Object.keys(payloads).filter((event) => !found.some((other) => other.event === event));
  if (missing.length + gone.length > 0) {
    throw new Error(`${name} in wire-types.mjs: missing [${missing}], no longer in src/protocol [${gone}]`);
  }
  const lines = found.map(({ event, docs }) => `${docOf(docs, '  ')}  ${event}: ${payloads[event]};\n`);
  return `/** ${doc} */\nexport interface ${name} {\n${lines.join('')}}\n`;
}

function union(name, doc, values) {
  const line = `export type ${name} = ${values.map((value) => `'${value}'`).join(' | ')};`;
  const lines = `export type ${name} =\n${values.map((value) => `  | '${value}'`).join('\n')};`;
  return `/** ${doc} */\n${line.length <= LINE_MAX ? line : lines}\n`;
}

/** The text of protocol.ts. */
export function generate() {
  const inner = readdirSync(join(root, 'src/protocol')).filter((name) => name.endsWith('.rs'));
  const files = ['src/protocol.rs', ...inner.sort().map((name) => `src/protocol/${name}`)];
  const source = files.map(read).join('\n');
  const sent = [...source.matchAll(/((?:^ *\/\/\/.*\n)*) *pub const [A-Z_]+: &str = "([a-z_]+)";/gm)];
  const taken = [...source.matchAll(/^ *const EVENT: &'static str = "([a-z_]+)";/gm)];
  const codes = [...read('src/domain/request_error_code.rs').matchAll(/^ *Self::\w+ => "([a-z_]+)",/gm)];
  const kinds = /enum NoticeKind \{([\s\S]*?)\n\}/.exec(source)?.[1] ?? '';
  const variants = [...kinds.matchAll(/^ +([A-Z]\w+),/gm)].map(([, name]) => name.toLowerCase());
  return [
    '// The wire: every event of both directions. Generated from src/protocol.rs by `npm run wire`; do not edit.\n' +
      '// Optional fields are those that the server may leave out, or that the plain Flask-SocketIO chatroom never sends.\n',
    union('NoticeKind', 'What a `system_message` is about.', variants),
    union(
      'ErrorCode',
      'Why a request was refused.',
      codes.map(([, code]) => code),
    ),
    ...INTERFACES.map((item) => interfaceOf(source, item)),
    "/** `room_list` and `room_update`: rooms by name, in the server's order. */\n" +
      'export type RoomMap = Record<string, RoomInfo>;\n',
    '/** The acknowledgement of a request. */\n' +
      'export type Ack<T extends object> = ({ ok: true } & T) | Refused;\n',
    eventsOf(
      'ServerEvents',
      sent.map(([, docs, event]) => ({ event, docs: docLines(docs) })),
      SERVER_EVENTS,
      'What the server sends.',
    ),
    eventsOf(
      'ClientEvents',
      taken.map(([, event]) => ({ event, docs: [] })),
      CLIENT_EVENTS,
      'What a client sends.',
    ),
  ].join('\n');
}

if (argv[1] === fileURLToPath(import.meta.url)) writeFileSync(target, generate());
