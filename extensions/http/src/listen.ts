/** The server in Node, over `@hono/node-server`. */
import { createAdaptorServer } from '@hono/node-server';
import { createError } from '@plinth/sdk/contract';
import type { HttpLimits } from './options.js';
import { connections } from './stream.js';

/** Where a server listens. */
export interface ListenOptions {
  /** Default: 0, a free port. */
  readonly port?: number;
  /** Default: `127.0.0.1`, which other machines can't reach. */
  readonly host?: string;
  /**
   * Answers in place of the extension's handler, which it may call: routes of the application, or a
   * tenant by the request.
   */
  fetch?(request: Request): Response | Promise<Response>;
}

/** A server that listens. */
export interface Listening {
  readonly port: number;
  /** `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Takes no more connections, and ends those without a request. */
  close(): Promise<void>;
}

/** A server whose connections can be cut. */
export interface Server extends Listening {
  cut(): void;
}

/** What is used of `http.Server`. */
interface NodeServer {
  listen(port: number, host: string, ready: () => void): void;
  once(event: 'error', listener: (error: Error) => void): void;
  off(event: 'error', listener: (error: Error) => void): void;
  address(): { readonly port: number } | string | null;
  close(done: () => void): void;
  closeIdleConnections(): void;
  closeAllConnections(): void;
  maxConnections: number;
  timeout: number;
}

/** Milliseconds in which the headers of a request have to arrive. */
const HEADERS_TIME = 10_000;
const KEEP_ALIVE = 5_000;
/** Milliseconds between two comments in a stream of events, at most. */
const BEAT = 15_000;

/**
 * Starts a server.
 *
 * @throws PluginConfigurationError `kernel/invalid-option` for an address that can't be listened on.
 */
export async function listen(
  fetch: (request: Request) => Response | Promise<Response>,
  { port = 0, host = '127.0.0.1' }: ListenOptions,
  limits: Required<HttpLimits>,
): Promise<Server> {
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw createError(
      'kernel/invalid-option',
      "listen(): 'port' is a whole number from 0 to 65535",
      {
        details: { option: 'port' },
      },
    );
  const server = createAdaptorServer({
    fetch(request, env) {
      connections.set(request, () => env.outgoing.destroy());
      return fetch(request);
    },
    // The globals of the application stay as they are.
    overrideGlobalObjects: false,
    serverOptions: {
      maxHeaderSize: limits.headers,
      headersTimeout: HEADERS_TIME,
      requestTimeout: HEADERS_TIME + limits.timeout,
      keepAliveTimeout: KEEP_ALIVE,
      insecureHTTPParser: false,
    },
  }) as unknown as NodeServer;
  // A connection on which nothing moves is cut. Streams of events move at least every 15 seconds.
  server.timeout = HEADERS_TIME + Math.max(limits.timeout, BEAT);
  server.maxConnections = (limits.requests + limits.streams) * 2;
  await new Promise<void>((resolve, reject) => {
    const failed = (cause: Error) =>
      reject(
        createError('kernel/invalid-option', `can't listen on ${host}:${port}: ${cause.message}`, {
          details: { option: 'port', host, port },
          cause,
        }),
      );
    server.once('error', failed);
    server.listen(port, host, () => {
      server.off('error', failed);
      resolve();
    });
  });
  const bound = (server.address() as { readonly port: number }).port;
  let closing: Promise<void> | undefined;
  return {
    port: bound,
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    close() {
      closing ??= new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections();
      return closing;
    },
    cut: () => server.closeAllConnections(),
  };
}
