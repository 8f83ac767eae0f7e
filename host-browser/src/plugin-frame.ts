/**
 * The guest side in a frame: what its worker runs first. Built into one text, `plinthFrame`,
 * without imports.
 */
import type { Endpoint } from '@plinth/sdk/rpc';
import { startSandbox } from '@plinth/sdk/sandbox';
import { createTurns } from './turns.js';

/** What the worker's first line passes. */
export interface FrameParts {
  readonly runtime: string;
  readonly hardened: boolean;
}

/** Starts the guest when its port arrives. */
export function start({ runtime, hardened }: FrameParts): void {
  const scope = globalThis as unknown as Worker & { close(): void };
  const listen = scope.addEventListener.bind(scope);
  const close = scope.close.bind(scope);
  const { next: defer } = createTurns();
  listen(
    'message',
    (event) => {
      const [port] = (event as MessageEvent).ports;
      const endpoint: Endpoint = {
        postMessage: (message, transfer) => port?.postMessage(message, transfer ?? []),
        addEventListener: (type, listener) => {
          port?.addEventListener(type, listener as unknown as EventListener);
          port?.start();
        },
        removeEventListener: (type, listener) =>
          port?.removeEventListener(type, listener as unknown as EventListener),
      };
      const guest = startSandbox({ runtime, hardened, endpoint, defer });
      const crash = (error: unknown, failure: Event) => {
        failure.preventDefault();
        guest.fatal(error, failure.type === 'unhandledrejection');
        close();
      };
      listen('error', (failure) =>
        crash((failure as ErrorEvent).error ?? new Error((failure as ErrorEvent).message), failure),
      );
      listen('unhandledrejection', (failure) =>
        crash((failure as unknown as PromiseRejectionEvent).reason, failure),
      );
    },
    { once: true },
  );
}
