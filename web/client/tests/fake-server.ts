// A chat in front of a fake server, a new one for each test: the exports are those of the current test.

import { afterEach, beforeEach, vi } from 'vitest';
import { FakeSocket } from '../../tests/fake-socket';
import { Chat } from '../src/chat.js';
import { DEFAULTS } from '../src/options.js';

export let socket: FakeSocket;
export let chat: Chat;
/** The events of the chat, as short texts. */
export let log: string[];

beforeEach(() => {
  vi.useFakeTimers();
  socket = new FakeSocket();
  log = [];
  chat = new Chat((auth) => Object.assign(socket, { auth }), DEFAULTS);
  chat.on('message', ({ message, live }) => log.push(`${message.id ?? '-'}${live ? '' : ' (missed)'}`));
  chat.on('joined', ({ continuity, history }) =>
    log.push(`${continuity} [${history.map((entry) => entry.id).join(' ')}]`),
  );
  chat.on('gap', ({ from, to }) => log.push(`gap ${from}-${to}`));
});

afterEach(() => vi.useRealTimers());

/** Joins `tech` as Ada, and the server confirms that. */
export function enter(more = {}) {
  chat.connect();
  chat.join('tech', 'Ada');
  socket.up();
  socket.confirm(more);
}
