/** Their side of a worker guest: the entry file of the worker. Built into one file that imports nothing. */
import { type BootedGuest, bootGuest, bridgeConsole, hideGlobals, limitTimers, importModule, rehearse } from '@plinth/sdk/guest';
import { REHEARSE } from '@plinth/sdk/contract';
import type { Endpoint } from '@plinth/sdk/rpc';
import { createTurns } from './turns.js';

// Taken before plugin code runs: afterwards the globals are hidden.
const scope = globalThis as unknown as Worker & { close(): void };
const post = scope.postMessage.bind(scope);
const listen = scope.addEventListener.bind(scope);
const unlisten = scope.removeEventListener.bind(scope);
const close = scope.close.bind(scope);
const { locks } = navigator;
const { next: defer } = createTurns();

// Held until the worker is gone; the host waits for it to learn of that. Its name is 128 random bits, and told before
// plugin code runs: nobody else can hold it. Asking for it takes as long as booting, so both happen at once.
const lock = locks === undefined ? undefined : `plinth-${crypto.randomUUID()}`;
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
    // The first message says that this worker can be spoken to, and under which lock it lives.
    announcement = [...(message as readonly unknown[]), lock];
    if (holding) post(announcement, []);
  },
  addEventListener: (type, listener) => listen(type, listener as unknown as EventListener),
  removeEventListener: (type, listener) => unlisten(type, listener as unknown as EventListener),
};
const guest = bootGuest(endpoint, {
  defer,
  evaluate: importModule,
  prepare({ wasm, timers, log }) {
    hideGlobals(globalThis, { wasm });
    limitTimers(globalThis, timers);
    bridgeConsole(globalThis, log);
  },
});
// In Node an error that nobody catches ends the worker; here it would be a line in the console.
listen('error', (event) => crash(guest, (event as ErrorEvent).error ?? new Error((event as ErrorEvent).message), event));
listen('unhandledrejection', (event) => crash(guest, (event as unknown as PromiseRejectionEvent).reason, event));

function onSpare({ data }: MessageEvent): void {
  if (data === REHEARSE) void rehearse(defer);
  unlisten('message', onSpare as EventListener);
}
listen('message', onSpare as EventListener);

function crash(guest: BootedGuest, error: unknown, event: Event): void {
  event.preventDefault();
  guest.fatal(error);
  close();
}
