// Proxies that pass polling through and spoil WebSockets, each in a way that real ones do.
import { once } from "node:events";
import net from "node:net";

// What becomes of a WebSocket. The server hears of it in all but the first two.
export const HOSTILITIES = {
  "is answered with 502": { asksServer: false, answer: "502" },
  "is never answered": { asksServer: false },
  "is answered with 502 after the server agreed": { answer: "502" },
  "is never answered although the server agreed": {},
  "is dropped after the 101": { answer: "101", then: "drop" },
  "hangs after the 101": { answer: "101", then: "hang" },
  "passes on what the client says and nothing back": { answer: "101", then: "deaf" },
};

const BAD_GATEWAY = "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

const headEnd = (bytes) => {
  const end = bytes.indexOf("\r\n\r\n");
  return end < 0 ? 0 : end + 4;
};

// Collects bytes up to the end of a request's or an answer's head; then calls back with all of them.
function onHead(socket, callback) {
  let bytes = Buffer.alloc(0);
  const more = (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    if (!headEnd(bytes)) return;
    socket.off("data", more);
    callback(bytes);
  };
  socket.on("data", more);
}

export class HostileProxy {
  #sockets = new Set();
  // WebSockets that were asked for.
  spoilt = 0;

  static async before(url, hostility) {
    const proxy = new HostileProxy();
    const { hostname, port } = new URL(url);
    proxy.listener = net.createServer((near) => {
      proxy.#watch(near);
      onHead(near, (request) => {
        const isUpgrade = /^upgrade: *websocket/im.test(request.toString("latin1"));
        if (isUpgrade) proxy.spoilt++;
        if (isUpgrade && hostility.asksServer === false) return hostility.answer && near.end(BAD_GATEWAY);
        const far = proxy.#watch(net.connect(Number(port), hostname));
        far.write(request);
        if (isUpgrade) proxy.#spoil(near, far, hostility);
        else near.pipe(far).pipe(near);
      });
    });
    proxy.listener.listen(0, "127.0.0.1");
    await once(proxy.listener, "listening");
    proxy.url = `http://127.0.0.1:${proxy.listener.address().port}`;
    return proxy;
  }

  #spoil(near, far, { answer, then }) {
    onHead(far, (switching) => {
      far.on("data", () => {}); // whatever else comes is lost
      if (!answer) return;
      if (answer === "502") {
        far.destroy();
        near.end(BAD_GATEWAY);
        return;
      }
      near.write(switching.subarray(0, headEnd(switching)), () => {
        if (then === "drop") {
          near.destroy();
          far.destroy();
        } else if (then === "deaf") {
          near.pipe(far);
        } else {
          near.on("data", () => {});
        }
      });
    });
  }

  #watch(socket) {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => {}); // a reset is one of the ways in which connections end
    socket.on("close", () => this.#sockets.delete(socket));
    return socket;
  }

  close() {
    this.listener.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
