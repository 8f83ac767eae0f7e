/** Their side of a process guest: what its process runs first. Built into one text, `plinthProcess`, that imports nothing. */
import { startSandbox } from '@plinth/sdk/sandbox';
import { MessageReader, MessageWriter } from '@plinth/sdk/codec';
import type { Endpoint, MessageEventLike } from '@plinth/sdk/rpc';
import type { Socket } from 'node:net';

/** What the first line of the process hands over. */
export interface ProcessParts {
  readonly process: NodeJS.Process;
  readonly socket: Socket;
  /** Bytes that have arrived already. */
  readonly rest: Uint8Array;
  readonly setImmediate: (task: () => void) => unknown;
  readonly runtime: string;
  readonly hardened: boolean;
}

/** Milliseconds that the last words of a guest may take. */
const LAST_WORDS = 500;

/** Starts the guest. */
export function start({ process, socket, rest, setImmediate, runtime, hardened }: ProcessParts): void {
  const exit = (process as unknown as { reallyExit(code: number): never }).reallyExit.bind(process);
  const later = setTimeout;
  const writer = new MessageWriter();
  const listeners = new Set<(event: MessageEventLike) => void>();
  const reader = new MessageReader((data) => {
    for (const listener of [...listeners]) listener({ data });
  });
  const endpoint: Endpoint = {
    postMessage(message, transfer) {
      socket.write(writer.write(message));
      // What is moved is no longer here, as on every wire.
      for (const buffer of transfer ?? []) structuredCloneOf(buffer);
    },
    addEventListener: (_type, listener) => void listeners.add(listener),
    removeEventListener: (_type, listener) => void listeners.delete(listener),
  };
  const clone = structuredClone;
  const structuredCloneOf = (buffer: unknown) => clone(buffer, { transfer: [buffer as ArrayBuffer] });
  // Nobody is there any more who could be told anything.
  socket.on('close', () => exit(0));
  socket.on('error', () => exit(0));
  const guest = startSandbox({ runtime, hardened, endpoint, defer: (task) => void setImmediate(task) });
  process.on('uncaughtException', (error) => {
    guest.fatal(error);
    socket.end(() => exit(1));
    later(() => exit(1), LAST_WORDS);
  });
  socket.on('data', (chunk: Uint8Array) => reader.take(chunk));
  reader.take(rest);
  socket.resume();
}
