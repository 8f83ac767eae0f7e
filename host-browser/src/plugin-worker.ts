/** Their side of a worker guest: the entry file of the worker. Built into one file that imports nothing. */
import { type BootedGuest, bootGuest, bridgeConsole, hideGlobals } from '@plinth/sdk/guest';
import type { Endpoint } from '@plinth/sdk/rpc';
import { INIT, type InitMessage } from './init-message.js';

// Taken before plugin code runs: afterwards the globals are hidden.
const scope = globalThis as unknown as Worker & { close(): void };
const post = scope.postMessage.bind(scope);
const listen = scope.addEventListener.bind(scope);
const unlisten = scope.removeEventListener.bind(scope);
const close = scope.close.bind(scope);
const { locks } = navigator;
const turns = new MessageChannel();
const tasks: (() => void)[] = [];
turns.port1.onmessage = () => tasks.shift()?.();

const endpoint: Endpoint = {
  postMessage: (message, transfer) => post(message, transfer ?? []),
  addEventListener: (type, listener) => listen(type, listener as unknown as EventListener),
  removeEventListener: (type, listener) => unlisten(type, listener as unknown as EventListener),
};

function onInit({ data }: MessageEvent): void {
  const message = data as Partial<InitMessage> | null;
  if (message?.type !== INIT || typeof message.lock !== 'string') return;
  unlisten('message', onInit as EventListener);
  if (locks === undefined) boot();
  // Held until the worker is gone; the host waits for it to learn of that.
  else void locks.request(message.lock, () => new Promise<never>(() => boot()));
}
listen('message', onInit as EventListener);

function boot(): void {
  const guest = bootGuest(endpoint, {
    defer(task) {
      tasks.push(task);
      turns.port2.postMessage(undefined);
    },
    prepare({ wasm, log }) {
      hideGlobals(globalThis, { wasm });
      bridgeConsole(globalThis, log);
    },
  });
  // In Node an error that nobody catches ends the worker; here it would be a line in the console.
  listen('error', (event) => crash(guest, (event as ErrorEvent).error ?? new Error((event as ErrorEvent).message), event));
  listen('unhandledrejection', (event) => crash(guest, (event as unknown as PromiseRejectionEvent).reason, event));
}

function crash(guest: BootedGuest, error: unknown, event: Event): void {
  event.preventDefault();
  guest.fatal(error);
  close();
}
