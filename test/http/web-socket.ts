/** WebSockets of a client in Node, over `ws`. */
import { request } from 'node:http';
import { WebSocket } from 'ws';

/** How a WebSocket ended. */
export interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** An open WebSocket whose messages are read one by one. */
export interface TestSocket {
  readonly protocol: string;
  readonly closed: Promise<Closed>;
  /** @throws when it has ended. */
  next(): Promise<string | Uint8Array>;
  send(data: string | Uint8Array): void;
  close(code?: number): void;
  /** Ends the connection without a goodbye. */
  cut(): void;
  /** Takes nothing from the connection until `resume`. */
  pause(): void;
  resume(): void;
}

/** Opens a WebSocket. Rejects when the server refuses. */
export function openSocket(
  url: string,
  protocols: string[] = [],
  headers: Record<string, string> = {},
): Promise<TestSocket> {
  const socket = new WebSocket(url, protocols, { headers, perMessageDeflate: false });
  const messages: (string | Uint8Array)[] = [];
  let wake: () => void = () => {};
  let over = false;
  socket.on('message', (data: Uint8Array, binary: boolean) => {
    messages.push(binary ? new Uint8Array(data) : Buffer.from(data).toString());
    wake();
  });
  const closed = new Promise<Closed>((resolve) => {
    socket.on('close', (code: number, reason: Uint8Array) => {
      over = true;
      wake();
      resolve({ code, reason: Buffer.from(reason).toString() });
    });
  });
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('open', () =>
      resolve({
        protocol: socket.protocol,
        closed,
        async next() {
          for (;;) {
            const message = messages.shift();
            if (message !== undefined) return message;
            if (over) throw new Error('the WebSocket has ended');
            await new Promise<void>((again) => {
              wake = again;
            });
          }
        },
        send: (data) => socket.send(data),
        close: (code = 1000) => socket.close(code),
        cut: () => socket.terminate(),
        pause: () => socket.pause(),
        resume: () => socket.resume(),
      }),
    );
  });
}

/** The status that a server answers to a request for a WebSocket. An opened one is ended. */
export function handshake(url: string, headers: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(url.replace('ws', 'http'), {
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
        ...headers,
      },
    });
    asked.on('upgrade', ({ statusCode = 0 }, socket) => {
      socket.destroy();
      resolve(statusCode);
    });
    asked.on('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.on('error', reject);
    asked.end();
  });
}
