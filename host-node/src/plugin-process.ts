/**
 * The guest side of a process: what it runs first. Built into one text, `plinthProcess`, without
 * imports.
 */

import type { AsyncLocalStorage } from 'node:async_hooks';
import type { Socket } from 'node:net';
import { MessageReader, MessageWriter } from '@plinth/sdk/codec';
import {
  boundsOf,
  type Endpoint,
  MAX_VALUE_BYTES,
  MAX_VALUE_DEPTH,
  type MessageEventLike,
} from '@plinth/sdk/rpc';
import { startSandbox } from '@plinth/sdk/sandbox';
import { contextOver } from './async-context.js';

/** What the process's first line passes. */
export interface ProcessParts {
  readonly process: NodeJS.Process;
  readonly socket: Socket;
  /** Bytes that have already arrived. */
  readonly rest: Uint8Array;
  readonly setImmediate: (task: () => void) => unknown;
  readonly AsyncLocalStorage: typeof AsyncLocalStorage;
  readonly runtime: string;
  readonly hardened: boolean;
}

/** Milliseconds in which a guest may send its last messages. */
const EXIT_TIMEOUT = 500;

/** Starts the guest. */
export function start({
  process,
  socket,
  rest,
  setImmediate,
  AsyncLocalStorage,
  runtime,
  hardened,
}: ProcessParts): void {
  const exit = (process as unknown as { reallyExit(code: number): never }).reallyExit.bind(process);
  const later = setTimeout;
  const writer = new MessageWriter();
  const listeners = new Set<(event: MessageEventLike) => void>();
  const reader = new MessageReader(
    (data) => {
      for (const listener of [...listeners]) listener({ data });
      // The kernel has checked what it sends.
    },
    boundsOf(MAX_VALUE_BYTES, MAX_VALUE_DEPTH),
  );
  const endpoint: Endpoint = {
    postMessage(message, transfer) {
      socket.write(writer.write(message));
      // A moved buffer is detached here, as on every wire.
      for (const buffer of transfer ?? []) structuredCloneOf(buffer);
    },
    addEventListener: (_type, listener) => void listeners.add(listener),
    removeEventListener: (_type, listener) => void listeners.delete(listener),
  };
  const clone = structuredClone;
  const structuredCloneOf = (buffer: unknown) =>
    clone(buffer, { transfer: [buffer as ArrayBuffer] });
  // The other side is gone.
  socket.on('close', () => exit(0));
  socket.on('error', () => exit(0));
  const guest = startSandbox({
    runtime,
    hardened,
    endpoint,
    defer: (task) => void setImmediate(task),
    context: contextOver(AsyncLocalStorage),
  });
  process.on('uncaughtException', (error, origin) => {
    guest.fatal(error, origin === 'unhandledRejection');
    socket.end(() => exit(1));
    later(() => exit(1), EXIT_TIMEOUT);
  });
  socket.on('data', (chunk: Uint8Array) => reader.take(chunk));
  reader.take(rest);
  socket.resume();
}
