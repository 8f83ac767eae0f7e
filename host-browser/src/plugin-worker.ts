/** The guest side of a worker: the worker's entry file. Built into one file without imports. */

import { randomMark, WARM_UP } from '@plinth/sdk/contract';
import { type BootedGuest, bootGuest, importModule, prepareScope, warmUp } from '@plinth/sdk/guest';
import type { Endpoint } from '@plinth/sdk/rpc';
import { createTurns } from './turns.js';

// Taken before plugin code runs; afterwards the globals are hidden.
const scope = globalThis as unknown as Worker & { close(): void };
const post = scope.postMessage.bind(scope);
const listen = scope.addEventListener.bind(scope);
const unlisten = scope.removeEventListener.bind(scope);
const close = scope.close.bind(scope);
const { locks } = navigator;
const { next: defer } = createTurns();

// Held until the worker is gone, so that the host notices its end. The name is 128 random bits and
// is sent before plugin code runs, so no other code can hold it. Requesting it takes as long as
// booting, so both happen at the same time.
const lock = locks === undefined ? undefined : `plinth-${randomMark()}`;
let announcement: unknown[] | undefined;
let holding = lock === undefined;
if (lock !== undefined) {
  void locks.request(lock, () => {
    holding = true;
    if (announcement !== undefined) post(announcement, []);
    return new Promise<never>(() => {});
  });
}

const endpoint: Endpoint = {
  postMessage(message, transfer) {
    if (announcement !== undefined) return post(message, transfer ?? []);
    // The first message says that this worker can receive messages, and names its lock.
    announcement = [...(message as readonly unknown[]), lock];
    if (holding) post(announcement, []);
  },
  addEventListener: (type, listener) => listen(type, listener as unknown as EventListener),
  removeEventListener: (type, listener) => unlisten(type, listener as unknown as EventListener),
};
const guest = bootGuest(endpoint, {
  defer,
  evaluate: importModule,
  prepare: (guest) => prepareScope(globalThis, guest),
});
// In Node an uncaught error ends the worker; here it would only be a line in the console.
listen('error', (event) =>
  crash(guest, (event as ErrorEvent).error ?? new Error((event as ErrorEvent).message), event),
);
listen('unhandledrejection', (event) =>
  crash(guest, (event as unknown as PromiseRejectionEvent).reason, event),
);

function onSpare({ data }: MessageEvent): void {
  if (data === WARM_UP) void warmUp(defer);
  unlisten('message', onSpare as EventListener);
}
listen('message', onSpare as EventListener);

function crash(guest: BootedGuest, error: unknown, event: Event): void {
  event.preventDefault();
  guest.fatal(error, event.type === 'unhandledrejection');
  close();
}
