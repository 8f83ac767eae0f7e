/** The guest side of a worker: the thread's entry file. Built into one file without imports. */

import { AsyncLocalStorage } from 'node:async_hooks';
import * as modules from 'node:module';
import process from 'node:process';
import { type MessagePort, parentPort } from 'node:worker_threads';
import { WARM_UP } from '@plinth/sdk/contract';
import { bootGuest, importModule, prepareScope, refusedImport, warmUp } from '@plinth/sdk/guest';
import { contextOver } from './async-context.js';
import { endpointOf } from './endpoint.js';

const defer = setImmediate;
/** Not in every runtime. Without it, imports are refused where they are visible in the text. */
const { registerHooks } = modules as Partial<typeof modules>;
// Taken before plugin code runs; afterwards the globals are hidden.
const exit = process.exit.bind(process);

// Only bundles may be imported, whatever modules a runtime has, so that a plugin is the same in all
// of them.
registerHooks?.({
  resolve(specifier, context, next) {
    if (specifier.startsWith('data:')) return next(specifier, context);
    throw new TypeError(refusedImport(specifier));
  },
});

const guest = bootGuest(endpointOf(parentPort as MessagePort), {
  port: (port) => ({
    ...endpointOf(port as MessagePort),
    close: () => (port as MessagePort).close(),
  }),
  defer: (task) => void defer(task),
  evaluate: importModule,
  context: contextOver(AsyncLocalStorage),
  prepare: (guest) => prepareScope(globalThis, guest),
});

// As in every guest, an uncaught error is reported with its origin before the thread ends.
process.on('uncaughtException', (error, origin) => {
  guest.fatal(error, origin === 'unhandledRejection');
  exit(1);
});

(parentPort as MessagePort).once('message', (message) => {
  if (message === WARM_UP) void warmUp((task) => void defer(task));
});
