/** The server in Node, over `@hono/node-server`. */
import { createAdaptorServer, getRequestListener } from '@hono/node-server';
import { checkOptionNames, createError } from '@plinth/sdk/contract';
import { connections } from './connection.js';
import { requestIdOf } from './incoming.js';
import type { HttpLimits } from './options.js';
import { problemResponse } from './problem.js';
import { type NodeConnection, type NodeRequest, Upgrader } from './upgrade.js';

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
  on(event: 'upgrade', listener: Listeners['upgrade']): void;
  off(event: 'error', listener: (error: Error) => void): void;
  address(): { readonly port: number } | string | null;
  close(done: () => void): void;
  closeIdleConnections(): void;
  closeAllConnections(): void;
  maxConnections: number;
  timeout: number;
}

/** Listeners for a server of Node that the application has: Express, Fastify or `node:http`. */
export interface Listeners {
  /** Answers a request. Frameworks must not have read its body. */
  request(incoming: object, outgoing: object): void;
  /** Opens a WebSocket: `server.on('upgrade', upgrade)`. */
  upgrade(incoming: object, socket: object, head: object): void;
}

/** Listeners whose connections can be cut. */
export interface OwnedListeners extends Listeners {
  cut(): void;
}

/** Milliseconds in which the headers of a request have to arrive. */
const HEADERS_TIME = 10_000;
const KEEP_ALIVE = 5_000;
/** Milliseconds in which a request has to arrive that its reader gives more time: an upload. */
const UPLOAD_TIME = 300_000;
/** Milliseconds between two comments in a stream of events, at most. */
const BEAT = 15_000;

/**
 * Starts a server.
 *
 * @throws PluginConfigurationError `kernel/invalid-option` for an address that can't be listened on.
 */
export async function listen(
  handler: (request: Request) => Response | Promise<Response>,
  where: ListenOptions,
  limits: Required<HttpLimits>,
): Promise<Server> {
  checkPlace(where);
  const { port = 0, host = '127.0.0.1', fetch = handler } = where;
  const upgrader = new Upgrader(fetch, limits);
  const server = createAdaptorServer({
    fetch: answering(fetch),
    // The globals of the application stay as they are.
    overrideGlobalObjects: false,
    serverOptions: {
      maxHeaderSize: limits.headers,
      headersTimeout: HEADERS_TIME,
      requestTimeout: Math.max(UPLOAD_TIME, HEADERS_TIME + limits.timeout),
      keepAliveTimeout: KEEP_ALIVE,
      insecureHTTPParser: false,
      // Clients that would rather speak HTTP/2 offer that, and take an answer in HTTP/1.1.
      shouldUpgradeCallback: ({ headers }: NodeRequest) =>
        String(headers.upgrade).toLowerCase() === 'websocket',
    },
  }) as unknown as NodeServer;
  // A connection on which nothing moves is cut. Streams of events move at least every 15 seconds.
  server.timeout = HEADERS_TIME + Math.max(limits.timeout, BEAT);
  server.on('upgrade', (incoming, socket, head) =>
    upgrader.upgrade(incoming as NodeRequest, socket as NodeConnection, head),
  );
  server.maxConnections = (limits.requests + limits.streams) * 2;
  await bind(server, port, host);
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
    cut() {
      upgrader.cut();
      server.closeAllConnections();
    },
  };
}

/** Checked before anything is bound: Node takes an empty host for all addresses of the machine. */
function checkPlace(where: ListenOptions): void {
  checkOptionNames('listen()', where, ['port', 'host', 'fetch']);
  const { port = 0, host = '127.0.0.1', fetch } = where;
  const refuse = (option: string, what: string) =>
    createError('kernel/invalid-option', `listen(): '${option}' is ${what}`, {
      details: { option },
    });
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw refuse('port', 'a whole number from 0 to 65535');
  if (typeof host !== 'string' || host === '')
    throw refuse('host', "a name or an address, like '127.0.0.1', or '0.0.0.0' for all");
  if (fetch !== undefined && typeof fetch !== 'function')
    throw refuse('fetch', 'a function of a request');
}

/** Resolves when the server listens. */
function bind(server: NodeServer, port: number, host: string): Promise<void> {
  return new Promise<void>((resolve, reject) => {
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
}

/** Makes listeners for a server of the application. */
export function listenersOf(
  fetch: (request: Request) => Response | Promise<Response>,
  limits: Required<HttpLimits>,
): OwnedListeners {
  const upgrader = new Upgrader(fetch, limits);
  const answer = getRequestListener(answering(fetch), { overrideGlobalObjects: false });
  return {
    request: (incoming, outgoing) => void answer(incoming as never, outgoing as never),
    upgrade: (incoming, socket, head) =>
      void upgrader.upgrade(incoming as NodeRequest, socket as NodeConnection, head),
    cut: () => upgrader.cut(),
  };
}

/** What a server tells of a request, beside the request. */
interface NodeEnv {
  readonly incoming: {
    readonly headers: NodeRequest['headers'];
    /** Whether something has read of the body. Frameworks may have kept it as `rawBody`. */
    readonly readableDidRead: boolean;
    readonly rawBody?: unknown;
    readonly httpVersionMinor: number;
    readonly socket: {
      readonly remoteAddress?: string;
      resetAndDestroy(): void;
      setTimeout(milliseconds: number): void;
    };
  };
  readonly outgoing: { destroy(): void };
}

const answering =
  (fetch: (request: Request) => Response | Promise<Response>) =>
  (request: Request, given: object) => {
    const { incoming, outgoing } = given as NodeEnv;
    if (isRead(incoming)) return problemResponse(READ, requestIdOf(request));
    connections.set(request, {
      cut() {
        // The end of the connection is the end of an answer in HTTP/1.0. Only a reset tells of a break.
        if (incoming.httpVersionMinor === 0) reset(incoming.socket);
        outgoing.destroy();
      },
      allow: (milliseconds) => incoming.socket.setTimeout(milliseconds),
      address: incoming.socket.remoteAddress,
    });
    return fetch(request);
  };

/** Whether there was a body, and nothing of it is left. It would be taken for an empty one. */
const isRead = ({ headers, readableDidRead, rawBody }: NodeEnv['incoming']): boolean =>
  readableDidRead &&
  rawBody === undefined &&
  (Number(headers['content-length'] ?? 0) > 0 || headers['transfer-encoding'] !== undefined);

const READ = {
  status: 500,
  code: 'http/body-read',
  detail: 'The server read the body before: mount the listener before what reads bodies.',
};

function reset(socket: NodeEnv['incoming']['socket']): void {
  try {
    socket.resetAndDestroy();
  } catch {
    // TLS can't, and has an end of its own, which is missing then.
  }
}
