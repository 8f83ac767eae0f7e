/** What a server tells of the connection behind a request. */

/** A connection, as far as its server knows it. */
export interface Connection {
  /** Ends it at once. */
  cut(): void;
  /** Lets nothing move on it for so many milliseconds, until this request is answered. */
  allow?(milliseconds: number): void;
  /** The address of the other side. */
  readonly address?: string | undefined;
  /** Whether the request asks for a WebSocket, and the server can open one. */
  readonly upgrades?: boolean;
}

/** Connections by their requests. Requests that come from elsewhere have none. */
export const connections = new WeakMap<Request, Connection>();

/** An open WebSocket, as its server offers it. */
export interface Socket {
  /** Resolves when the connection has taken it. Rejects when it has ended. */
  send(data: string | Uint8Array): Promise<void>;
  /** Says goodbye. The connection is cut when the other side doesn't answer in time. */
  close(code: number, reason: string): void;
  /** Reads no more messages until `resume`. */
  pause(): void;
  resume(): void;
}

/** What happens on an open WebSocket. */
export interface SocketListener {
  message(data: string | Uint8Array): void;
  /** Called once, for any end. */
  closed(): void;
}

/** How a request becomes a WebSocket. */
export interface Upgrade {
  /** The subprotocol, of those that the client has offered. */
  readonly protocol?: string | undefined;
  open(socket: Socket): SocketListener;
  /** The connection has ended, or was no WebSocket at all. May be called again, and after `open`. */
  failed(): void;
}

/** Responses that a server answers by an open WebSocket. */
export const upgrades = new WeakMap<Response, Upgrade>();

/** The response that stands for a WebSocket. What it holds is released when the request ends. */
export function upgradeOf({ signal }: Request, upgrade: Upgrade): Response {
  // A server that doesn't know it, or a copy of it, tells the client that nothing was opened.
  const response = new Response(null, { status: 426 });
  upgrades.set(response, upgrade);
  if (signal.aborted) upgrade.failed();
  else signal.addEventListener('abort', () => upgrade.failed(), { once: true });
  return response;
}

/** Whether a request asks for a WebSocket. */
export const asksForSocket = ({ headers, method }: Request): boolean =>
  method === 'GET' && headers.get('upgrade')?.toLowerCase() === 'websocket';
