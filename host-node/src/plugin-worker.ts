/** Their side of a worker guest: the entry file of the thread. Built into one file that imports nothing. */
import { REHEARSE } from '@plinth/sdk/contract';
import { bootGuest, bridgeConsole, hideGlobals, rehearse } from '@plinth/sdk/guest';
import type { Endpoint, MessageEventLike } from '@plinth/sdk/rpc';
import { type MessagePort, parentPort } from 'node:worker_threads';

/** A port as links use it. Node's own listeners, because an event for each message would cost, and load, a lot. */
function endpointOf(port: MessagePort): Endpoint & { close(): void } {
  const listeners = new Map<(event: MessageEventLike) => void, (data: unknown) => void>();
  return {
    postMessage: (message, transfer) => port.postMessage(message, transfer as never),
    addEventListener(_type, listener) {
      const onMessage = (data: unknown) => listener({ data });
      listeners.set(listener, onMessage);
      port.on('message', onMessage);
    },
    removeEventListener(_type, listener) {
      const onMessage = listeners.get(listener);
      listeners.delete(listener);
      if (onMessage !== undefined) port.off('message', onMessage);
    },
    close: () => port.close(),
  };
}

const defer = setImmediate;

bootGuest(endpointOf(parentPort as MessagePort), {
  port: (port) => endpointOf(port as MessagePort),
  defer: (task) => void defer(task),
  prepare({ wasm, log }) {
    hideGlobals(globalThis, { wasm });
    bridgeConsole(globalThis, log);
  },
});

(parentPort as MessagePort).once('message', (message) => {
  if (message === REHEARSE) void rehearse((task) => void defer(task));
});
