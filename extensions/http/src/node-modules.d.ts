/** What is used of `ws`. Its own types need those of Node. */
declare module 'ws' {
  /** A WebSocket of the server. */
  export interface NodeSocket {
    readonly bufferedAmount: number;
    binaryType: string;
    on(event: 'message', listener: (data: Uint8Array, binary: boolean) => void): void;
    on(event: 'close' | 'pong', listener: () => void): void;
    on(event: 'error', listener: (error: Error) => void): void;
    send(
      data: string | Uint8Array,
      options: { readonly binary: boolean },
      done: (error?: Error) => void,
    ): void;
    ping(): void;
    close(code: number, reason: string): void;
    terminate(): void;
    pause(): void;
    resume(): void;
  }
  /** Makes WebSockets of upgraded connections. */
  export class WebSocketServer {
    constructor(options: {
      readonly noServer: true;
      readonly clientTracking: false;
      readonly perMessageDeflate: false;
      readonly maxPayload: number;
      handleProtocols(offered: Set<string>, request: object): string | false;
    });
    handleUpgrade(
      request: object,
      socket: object,
      head: object,
      done: (socket: NodeSocket) => void,
    ): void;
  }
}
