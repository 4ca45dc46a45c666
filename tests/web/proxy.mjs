// Reverse proxies in front of the server: one of our own that can misbehave, and a real nginx.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atEnd, pause } from './support.mjs';

/**
 * Serves the server at `port` under `prefix`, which it takes away as `proxy_pass http://hub/;` does.
 * `more` are other servers, as prefix and port.
 * `upgrades` says what becomes of a WebSocket: `pass`, `hang` (it is never answered), `refuse` (502), or `silent`
 * (it opens, and no frame ever passes). It can be changed while the proxy runs.
 */
export async function startProxy(port, { prefix = '/', upgrades = 'pass', more = [] } = {}) {
  const sockets = new Set();
  const born = new Map();
  const routes = [...more, [prefix, port]];
  const inner = (url) => {
    const [found, to] = routes.find(([start]) => url.startsWith(start)) ?? [];
    return found ? { path: `/${url.slice(found.length)}`, port: to } : null;
  };
  const proxy = {
    upgrades,
    upgraded: 0,
    polled: 0,
    /** While true, nothing passes in either direction, and nobody is told. */
    frozen: false,
    /** From now on nothing passes over the lines that are open, and nobody is told; new ones get through. */
    cutOff: () => {
      age += 1;
    },
  };
  let age = 0;
  /** Whether a line that was opened at `then` has died in silence. */
  const dead = (then) => proxy.frozen || then < age;
  const server = createServer((incoming, answer) => {
    const target = inner(incoming.url);
    if (target === null) {
      answer.writeHead(404).end();
      return;
    }
    if (target.path.includes('transport=polling')) proxy.polled += 1;
    const then = born.get(incoming.socket);
    if (dead(then)) return;
    const { method, headers } = incoming;
    const outgoing = request({ host: '127.0.0.1', ...target, method, headers }, (response) => {
      if (dead(then)) return;
      answer.writeHead(response.statusCode, response.headers);
      response.pipe(answer);
    });
    outgoing.on('error', () => answer.destroy());
    answer.on('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    born.set(socket, age);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('upgrade', (incoming, near) => {
    proxy.upgraded += 1;
    near.on('error', () => {});
    const then = born.get(near);
    if (proxy.upgrades === 'hang' || dead(then)) return;
    if (proxy.upgrades === 'refuse') {
      near.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    const target = inner(incoming.url) ?? { port, path: incoming.url };
    const far = connect(target.port, '127.0.0.1');
    far.on('error', () => near.destroy());
    near.on('close', () => far.destroy());
    far.on('close', () => !dead(then) && near.destroy());
    const lines = [`GET ${target.path} HTTP/1.1`];
    for (let i = 0; i < incoming.rawHeaders.length; i += 2)
      lines.push(`${incoming.rawHeaders[i]}: ${incoming.rawHeaders[i + 1]}`);
    far.write(`${lines.join('\r\n')}\r\n\r\n`);
    let head = proxy.upgrades === 'silent';
    far.on('data', (bytes) => {
      if (dead(then)) return;
      if (proxy.upgrades !== 'silent') near.write(bytes);
      else if (head) {
        // The answer to the handshake, and nothing that follows it.
        near.write(bytes.subarray(0, bytes.indexOf('\r\n\r\n') + 4));
        head = false;
      }
    });
    near.on('data', (bytes) => !dead(then) && proxy.upgrades !== 'silent' && far.write(bytes));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  atEnd(close);
  return Object.assign(proxy, { url: `http://127.0.0.1:${server.address().port}${prefix.slice(0, -1)}`, close });
}

const NGINX = '/usr/sbin/nginx';
export const hasNginx = spawnSync(NGINX, ['-v']).status === 0;

/** A real nginx, with `location` as its only one beside what it needs to run in a folder of its own. */
export async function startNginx(port, location) {
  const folder = mkdtempSync(join(tmpdir(), 'hubbub-nginx-'));
  const listen = await freePort();
  writeFileSync(
    join(folder, 'nginx.conf'),
    `worker_processes 1; pid nginx.pid; error_log error.log; daemon off;
    events { worker_connections 200; }
    http {
      access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
      upstream hub { server 127.0.0.1:${port}; }
      server { listen 127.0.0.1:${listen}; ${location} }
    }`,
  );
  const child = spawn(NGINX, ['-p', folder, '-c', 'nginx.conf'], { stdio: ['ignore', 'inherit', 'inherit'] });
  atEnd(async () => {
    child.kill('SIGTERM');
    await new Promise((resolve) => (child.exitCode === null ? child.once('exit', resolve) : resolve()));
    rmSync(folder, { recursive: true });
  });
  const url = `http://127.0.0.1:${listen}`;
  for (let i = 0; i < 200; i += 1) {
    if (await fetch(url).then(() => true, () => false)) return { url };
    await pause(25);
  }
  throw new Error('nginx does not listen');
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
