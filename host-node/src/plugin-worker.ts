/** Their side of a worker guest: the entry file of the thread. Built into one file that imports nothing. */
import { REHEARSE } from '@plinth/sdk/contract';
import { bootGuest, bridgeConsole, hideGlobals, limitTimers, importModule, rehearse } from '@plinth/sdk/guest';
import { type MessagePort, parentPort } from 'node:worker_threads';
import { endpointOf } from './endpoint.js';

const defer = setImmediate;

bootGuest(endpointOf(parentPort as MessagePort), {
  port: (port) => ({ ...endpointOf(port as MessagePort), close: () => (port as MessagePort).close() }),
  defer: (task) => void defer(task),
  evaluate: importModule,
  prepare({ wasm, timers, log }) {
    hideGlobals(globalThis, { wasm });
    limitTimers(globalThis, timers);
    bridgeConsole(globalThis, log);
  },
});

(parentPort as MessagePort).once('message', (message) => {
  if (message === REHEARSE) void rehearse((task) => void defer(task));
});
