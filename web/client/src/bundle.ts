// `/client.js`: the package with its dependency in one module, also for platforms that have no XMLHttpRequest, as
// service workers and Node, and no WebSocket, as Node before version 22.

import { Fetch, WebSocket } from 'socket.io-client';
import { provideTransports } from './create.js';

export * from './index.js';

if (!('XMLHttpRequest' in globalThis)) {
  provideTransports({
    websocket: 'WebSocket' in globalThis ? [WebSocket, Fetch] : [Fetch],
    polling: [Fetch],
  });
}
