// A chat over stock socket.io-client.

import { io, type ManagerOptions, type Socket } from 'socket.io-client';
import { Chat } from './chat.js';
import type { SocketLike } from './connection.js';
import { type ChatOptions, DEFAULTS } from './options.js';

/**
 * Says `event`, if any, and that the transport ends, while the page may be gone the next moment. A request for polling
 * would go with it, so both are sent as a beacon (packets of type 42 and 1 with their separator).
 */
function goodbye(socket: Socket, event: string | null, payload: object): void {
  const { engine, opts } = socket.io;
  if (engine?.transport.name !== 'polling') {
    if (event) socket.emit(event, payload);
    engine?.close();
    return;
  }
  const address = new URL(opts.path ?? '/socket.io/', location.href);
  address.search = `EIO=4&transport=polling&sid=${engine.id}`;
  const said = event ? `42${JSON.stringify([event, payload])}\x1e` : '';
  navigator.sendBeacon(address, `${said}1`);
}

type Transports = NonNullable<ManagerOptions['transports']>;

/** What a connection is tried over, by what it begins with. A WebSocket needs no sticky sessions behind a proxy. */
let transports: Record<'websocket' | 'polling', Transports> = {
  websocket: ['websocket', 'polling'],
  polling: ['polling'],
};

/** For platforms that lack what these transports are usually made of. */
export function provideTransports(given: typeof transports): void {
  transports = given;
}

export interface CreateOptions extends Partial<ChatOptions> {
  /** Path of the server's Socket.IO endpoint. Default: `/socket.io/`. */
  path?: string;
}

/**
 * A chat with the server at `url` (in a page: leave it out for the page's own server), whose Socket.IO is at `path`
 * (default `/socket.io/`). Call `connect()` on it.
 * Works in browsers and in Node.
 */
export function createChat(url?: string | URL, { path, ...options }: CreateOptions = {}): Chat {
  return new Chat(
    (auth) => {
      const socketOptions = {
        auth: (give: (auth: object) => void) => give(auth()),
        ...(path === undefined ? {} : { path }),
        autoConnect: false,
        // The module pauses and retries itself, so that the page can say when.
        reconnection: false,
        transports: transports.websocket,
        tryAllTransports: true,
      };
      const socket = url === undefined ? io(socketOptions) : io(`${url}`, socketOptions);
      return Object.assign(socket, {
        goodbye: goodbye.bind(null, socket),
        use(transport: 'websocket' | 'polling') {
          socket.io.opts.transports = transports[transport];
        },
        drop() {
          socket.io.engine.close();
          // A poll that hangs keeps the transport from closing.
          if (socket.connected) socket.disconnect();
        },
      }) as unknown as SocketLike;
    },
    { ...DEFAULTS, ...options },
  );
}
