// How the pages are built: the chat, the client module as one file for other pages, and the admin page. Each asset is
// there once more as .br and .gz, so that the server only has to choose a coding and never compresses anything itself.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync, constants as zlib } from 'node:zlib';
import { build, defineConfig, type Plugin } from 'vite';

const COMPRESSIBLE = /\.(html|js|css|svg|webmanifest|json|txt)$/;

function walk(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? walk(path) : [path];
  });
}

/** Leaves out a transport of socket.io-client that the server has not, and with it the parser's half of it. */
function withoutWebTransport(): Plugin {
  return {
    name: 'without-webtransport',
    enforce: 'pre',
    load: (id) =>
      /engine\.io-client\/build\/[\w-]+\/transports\/webtransport\.js$/.test(id)
        ? 'export class WT {}'
        : undefined,
  };
}

/** `/client.js`: the package hubbub-client and its dependency in one module. */
async function buildClient(outDir: string): Promise<void> {
  await build({
    configFile: false,
    plugins: [withoutWebTransport()],
    logLevel: 'warn',
    publicDir: false,
    build: {
      target: 'es2022',
      outDir,
      emptyOutDir: false,
      modulePreload: false,
      reportCompressedSize: false,
      rolldownOptions: {
        input: 'client/src/bundle.ts',
        preserveEntrySignatures: 'strict',
        output: { entryFileNames: 'client.js' },
      },
    },
  });
}

/**
 * `/admin.html` and its script and style sheet, which nothing of the chat's page shares: so what the chat loads does
 * not change by a byte with it.
 */
async function buildAdmin(outDir: string): Promise<void> {
  await build({
    configFile: false,
    base: './',
    logLevel: 'warn',
    publicDir: false,
    oxc: JSX,
    build: {
      target: 'es2022',
      outDir,
      emptyOutDir: false,
      assetsInlineLimit: 0,
      modulePreload: false,
      reportCompressedSize: false,
      rolldownOptions: { input: 'admin.html' },
    },
  });
}

function clientAndCompression(): Plugin {
  let outDir = 'dist';
  return {
    name: 'client-and-compression',
    apply: 'build',
    configResolved(config) {
      outDir = config.build.outDir;
    },
    async closeBundle() {
      await buildClient(outDir);
      await buildAdmin(outDir);
      for (const path of walk(outDir).filter((name) => COMPRESSIBLE.test(name))) {
        const raw = readFileSync(path);
        const brotli = {
          params: { [zlib.BROTLI_PARAM_QUALITY]: 11, [zlib.BROTLI_PARAM_SIZE_HINT]: raw.length },
        };
        writeFileSync(`${path}.br`, brotliCompressSync(raw, brotli));
        writeFileSync(`${path}.gz`, gzipSync(raw, { level: 9 }));
      }
    },
  };
}

const JSX = { jsx: { runtime: 'automatic' as const, importSource: 'preact' } };
/** What the room is made of, in one file. What is opened seldom is not in it, nor what other screens have too. */
const OF_ROOM =
  /\/(client\/src|src\/(state|log|text|i18n\/en-room|view))\b(?!\/(emoji|Blocked|Delete|Dialog|Help|Invite|Moderation|Person|Picker|Pinned|Sanction|Search|Settings|Switcher|copy|icons)\.)/;

const server = process.env.HUBBUB_URL ?? 'http://127.0.0.1:5000';

export default defineConfig({
  // Under any path: what is loaded is found from where it is asked for.
  base: './',
  plugins: [withoutWebTransport(), clientAndCompression()],
  oxc: JSX,
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: false,
    reportCompressedSize: false,
    rolldownOptions: {
      preserveEntrySignatures: 'allow-extension',
      output: {
        codeSplitting: {
          groups: [
            { name: 'page', tags: ['$initial'], priority: 1 },
            { name: 'room', test: OF_ROOM },
          ],
        },
      },
    },
  },
  server: { proxy: { '/socket.io': { target: server, ws: true }, '/api': { target: server } } },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.{ts,tsx}', 'client/tests/*.test.ts'],
    setupFiles: ['tests/setup.ts'],
    restoreMocks: true,
  },
} as Parameters<typeof defineConfig>[0]);
