/** Serves the built playground to this machine, with a Node kernel beside it below `/node/`. */
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Plugin, type PreviewServer, preview } from 'vite';
import { type NodeRuntime, startNodeRuntime } from './node-runtime.ts';

/** What is served, and where. */
export interface ServeOptions {
  /** Folder of the built page. Default: where the demo's build puts it. */
  readonly site?: string;
  /** Default: a free port. */
  readonly port?: number;
}

/** A server that listens, and its kernel. */
export interface ServedPlayground {
  readonly url: string;
  readonly server: PreviewServer;
  readonly runtime: NodeRuntime;
  /** Ends the kernel, then the server with all its connections. */
  close(): Promise<void>;
}

const demo = fileURLToPath(new URL('..', import.meta.url));
const MOUNT = '/node';

/** Starts the kernel and the server. */
export async function servePlayground({
  site = join(demo, 'dist/site'),
  port = 0,
}: ServeOptions = {}): Promise<ServedPlayground> {
  const runtime = await startNodeRuntime(join(demo, 'dist/plugins'));
  try {
    const server = await preview({
      configFile: join(demo, 'vite.config.ts'),
      root: demo,
      logLevel: 'warn',
      build: { outDir: site },
      plugins: [beside(runtime, site)],
      // No page of another origin reads anything here, not even one of this machine.
      preview: { host: '127.0.0.1', port, cors: false },
    });
    const { port: bound } = server.httpServer.address() as AddressInfo;
    return {
      url: `http://127.0.0.1:${bound}/`,
      server,
      runtime,
      async close() {
        await runtime.stop();
        await server.close();
      },
    };
  } catch (error) {
    await runtime.stop();
    throw error;
  }
}

/** The same until Ctrl+C. Then the process has nothing left to do, and ends. */
export async function serveUntilInterrupted(options: ServeOptions): Promise<void> {
  const served = await servePlayground(options);
  process.once('SIGINT', () => void served.close());
  console.log(`\nPlayground: ${served.url}  (Ctrl+C ends it)`);
}

/** Mounts the kernel in a preview server. It ends with the server, which also a SIGTERM ends. */
function beside(runtime: NodeRuntime, site: string): Plugin {
  return {
    name: 'node-runtime',
    configurePreviewServer({ middlewares, httpServer }) {
      middlewares.use(MOUNT, (request, response) => runtime.request(request, response));
      middlewares.use((request, response, next) => {
        if (opensPage(request)) sendPage(response, site, runtime.token).catch(next);
        else next();
      });
      httpServer.on('upgrade', (request: IncomingMessage, socket, head) => {
        if (request.url?.startsWith(`${MOUNT}/`) !== true) return socket.destroy();
        request.url = request.url.slice(MOUNT.length);
        runtime.upgrade(request, socket, head);
      });
    },
    closePreviewServer: () => runtime.stop(),
  };
}

/**
 * Whether a browser opens the page in a tab. Only then the page gets the token: a script, like that of
 * a plugin in a worker of the same origin, reads the page without it.
 */
const opensPage = ({ method, url = '', headers }: IncomingMessage): boolean =>
  method === 'GET' &&
  /^\/(index\.html)?(\?|$)/.test(url) &&
  headers['sec-fetch-dest'] === 'document';

async function sendPage(response: ServerResponse, site: string, token: string): Promise<void> {
  const page = await readFile(join(site, 'index.html'), 'utf8');
  response.setHeader('Content-Type', 'text/html; charset=utf-8');
  // No cache keeps it, and no page frames it.
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('X-Frame-Options', 'DENY');
  response.end(
    page.replace('</head>', `<meta name="plinth-node-token" content="${token}"></head>`),
  );
}
