/** WebSockets of the server in Node, over `ws`. A request is answered before its connection is upgraded. */
import { type NodeSocket, WebSocketServer } from 'ws';
import { connections, type Socket, type Upgrade, upgrades } from './connection.js';
import type { HttpLimits } from './options.js';
import { inTime } from './stream.js';

/** What is used of a request of Node. */
export interface NodeRequest {
  readonly method?: string;
  readonly url?: string;
  readonly rawHeaders: readonly string[];
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly socket: { readonly remoteAddress?: string; readonly encrypted?: boolean };
}

/** What is used of a connection of Node. */
export interface NodeConnection {
  readonly destroyed: boolean;
  once(event: 'close', listener: () => void): void;
  on(event: 'error', listener: () => void): void;
  end(data: Uint8Array): void;
  destroy(): void;
  setTimeout(milliseconds: number): void;
}

/** Milliseconds between two pings. A side that doesn't answer until the next one has gone. */
const BEAT = 15_000;
/** Milliseconds in which the other side has to answer a goodbye. */
const GOODBYE = 2_000;
/** Bytes of an answer that is no WebSocket. */
const MOST_ANSWER = 65_536;
const KEY = /^[+/0-9A-Za-z]{22}==$/;

/** Upgrades connections. It owns those that are open. */
export class Upgrader {
  readonly #fetch: (request: Request) => Response | Promise<Response>;
  readonly #server: WebSocketServer;
  readonly #open = new Set<NodeConnection>();
  readonly #protocols = new WeakMap<object, string | undefined>();
  #cut = false;

  constructor(
    fetch: (request: Request) => Response | Promise<Response>,
    limits: Required<HttpLimits>,
  ) {
    this.#fetch = fetch;
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: limits.body,
      handleProtocols: (_, request) => this.#protocols.get(request) ?? false,
    });
  }

  /** Answers a request for an upgrade. It never rejects. */
  async upgrade(incoming: NodeRequest, connection: NodeConnection, head: object): Promise<void> {
    connection.on('error', () => {});
    this.#open.add(connection);
    const gone = new AbortController();
    connection.once('close', () => {
      this.#open.delete(connection);
      gone.abort();
    });
    if (this.#cut || connection.destroyed) return connection.destroy();
    try {
      const request = requestOf(incoming, gone.signal);
      if (request === undefined) return refuse(connection, 400, [], new Uint8Array());
      const valid = KEY.test(request.headers.get('sec-websocket-key') ?? '');
      connections.set(request, {
        cut: () => connection.destroy(),
        address: incoming.socket.remoteAddress,
        upgrades: valid && request.headers.get('sec-websocket-version') === '13',
      });
      const response = await this.#fetch(request);
      const upgrade = upgrades.get(response);
      if (upgrade !== undefined) return this.#accept(upgrade, { incoming, connection, head });
      await answer(connection, response);
    } catch {
      connection.destroy();
    }
  }

  /** Cuts all connections, and takes no more. */
  cut(): void {
    this.#cut = true;
    for (const connection of this.#open) connection.destroy();
  }

  #accept(
    upgrade: Upgrade,
    on: {
      readonly incoming: NodeRequest;
      readonly connection: NodeConnection;
      readonly head: object;
    },
  ): void {
    const { incoming, connection, head } = on;
    let opened = false;
    if (connection.destroyed) return upgrade.failed();
    connection.once('close', () => {
      if (!opened) upgrade.failed();
    });
    this.#protocols.set(incoming, upgrade.protocol);
    // Pings notice a side that has gone; the server's time-out would end one that is silent.
    connection.setTimeout(0);
    this.#server.handleUpgrade(incoming, connection, head, (socket) => {
      opened = true;
      open(socket, upgrade);
    });
  }
}

function open(socket: NodeSocket, upgrade: Upgrade): void {
  socket.binaryType = 'nodebuffer';
  const listener = upgrade.open(socketOf(socket));
  let alive = true;
  const beat = setInterval(() => {
    if (!alive) return socket.terminate();
    alive = false;
    socket.ping();
  }, BEAT);
  socket.on('pong', () => {
    alive = true;
  });
  socket.on('message', (data, binary) => {
    alive = true;
    listener.message(binary ? new Uint8Array(data) : new TextDecoder().decode(data));
  });
  // It is followed by 'close'.
  socket.on('error', () => {});
  socket.on('close', () => {
    clearInterval(beat);
    listener.closed();
  });
}

function socketOf(socket: NodeSocket): Socket {
  return {
    send: (data) =>
      new Promise((resolve, reject) => {
        socket.send(data, { binary: typeof data !== 'string' }, (error) => {
          if (error === undefined || error === null) resolve();
          else reject(error);
        });
      }),
    close(code, reason) {
      socket.close(code, reason.slice(0, 120));
      const timer = setTimeout(() => socket.terminate(), GOODBYE);
      socket.on('close', () => clearTimeout(timer));
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
  };
}

/** The request. Undefined for one that is malformed, or asks for something else. */
function requestOf(incoming: NodeRequest, signal: AbortSignal): Request | undefined {
  const { method, url = '', rawHeaders, headers: parsed, socket } = incoming;
  const { upgrade, host } = parsed;
  if (method !== 'GET' || typeof host !== 'string' || !url.startsWith('/')) return undefined;
  if (typeof upgrade !== 'string' || upgrade.toLowerCase() !== 'websocket') return undefined;
  try {
    const headers = new Headers();
    for (let at = 0; at + 1 < rawHeaders.length; at += 2)
      headers.append(rawHeaders[at] as string, rawHeaders[at + 1] as string);
    // Pages can't set headers of a WebSocket, so they send a token as a subprotocol.
    const [, token] =
      /(?:^|,)\s*bearer\.([^\s,]+)/.exec(headers.get('sec-websocket-protocol') ?? '') ?? [];
    if (token !== undefined && !headers.has('authorization'))
      headers.set('authorization', `Bearer ${token}`);
    const base = `${socket.encrypted === true ? 'https' : 'http'}://${host}`;
    const whole = new URL(base + url);
    if (whole.host !== new URL(base).host) return undefined;
    return new Request(whole, { method, headers, signal });
  } catch {
    return undefined;
  }
}

/** Sends an answer that is no WebSocket, and ends the connection. Its body may be a stream without end. */
async function answer(connection: NodeConnection, response: Response): Promise<void> {
  const { status, headers, body } = response;
  if (status >= 400) return refuse(connection, status, [...headers], await startOf(body));
  await body?.cancel();
  refuse(connection, 400, [], new TextEncoder().encode('This address opens no WebSocket.'));
}

/** The first bytes of a body, as far as they come in time. */
async function startOf(body: ReadableStream<Uint8Array> | null): Promise<Uint8Array> {
  const start = new Uint8Array(MOST_ANSWER);
  let size = 0;
  const reader = body?.getReader();
  try {
    while (reader !== undefined && size < MOST_ANSWER) {
      const { done, value } = await inTime(reader.read(), GOODBYE);
      if (done) break;
      const part = value.subarray(0, MOST_ANSWER - size);
      start.set(part, size);
      size += part.byteLength;
    }
  } catch {
    // What has come is sent.
  }
  reader?.cancel().catch(() => {});
  return start.subarray(0, size);
}

function refuse(
  connection: NodeConnection,
  status: number,
  headers: readonly (readonly [string, string])[],
  body: Uint8Array,
): void {
  const lines = headers
    .filter(([name]) => !/^(connection|content-length|transfer-encoding)$/.test(name))
    .map(([name, value]) => `${name}: ${value}\r\n`);
  const head = new TextEncoder().encode(
    `HTTP/1.1 ${status} Refused\r\n${lines.join('')}content-length: ${body.byteLength}\r\nconnection: close\r\n\r\n`,
  );
  const whole = new Uint8Array(head.byteLength + body.byteLength);
  whole.set(head);
  whole.set(body, head.byteLength);
  connection.end(whole);
  // The other side may leave its half open.
  const timer = setTimeout(() => connection.destroy(), GOODBYE);
  connection.once('close', () => clearTimeout(timer));
}
