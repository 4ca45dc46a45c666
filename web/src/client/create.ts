// A chat over stock socket.io-client.

import { io, type Socket } from 'socket.io-client';
import { Chat, type ChatOptions, DEFAULTS } from './chat';
import type { SocketLike } from './connection';

/**
 * Ends the transport, after `event` where there is one. A request for polling would end with the page, so that the event
 * is sent as a beacon, and the end with it (packet types 42 and 1, with their separator).
 */
function hangUp(socket: Socket, event: string | null, payload: object): void {
  const { engine, opts } = socket.io;
  if (!engine) return;
  if (engine.transport.name !== 'polling') {
    if (event) socket.emit(event, payload);
    engine.close();
    return;
  }
  const address = new URL(opts.path ?? '/socket.io/', location.href);
  address.search = `EIO=4&transport=polling&sid=${engine.id}`;
  const said = event ? `42${JSON.stringify([event, payload])}\x1e` : '';
  navigator.sendBeacon(address, `${said}1`);
}

/**
 * A chat with the server at `url` (in a page: leave it out for the page's own server), whose Socket.IO is at `path`
 * (default `/socket.io/`). Call `connect()` on it.
 * Works in browsers and in Node.
 */
export function createChat(
  url?: string,
  { path, ...options }: Partial<ChatOptions> & { path?: string } = {},
): Chat {
  return new Chat(
    (auth) => {
      const socketOptions = {
        auth: (give: (auth: object) => void) => give(auth()),
        ...(path === undefined ? {} : { path }),
        autoConnect: false,
        // The module pauses and retries itself, so that the page can say when.
        reconnection: false,
        // Websocket first: it needs no sticky sessions where several servers stand behind one address.
        transports: ['websocket', 'polling'],
        tryAllTransports: true,
      };
      const socket = url === undefined ? io(socketOptions) : io(url, socketOptions);
      return Object.assign(socket, { hangUp: hangUp.bind(null, socket) }) as unknown as SocketLike;
    },
    { ...DEFAULTS, ...options },
  );
}
