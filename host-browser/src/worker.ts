/**
 * The host side of a worker guest: launch, announce, watch, end. The guest side is
 * `plugin-worker.ts`.
 */
import type { ExitReason, Guest } from '@plinth/kernel';
import { alarm, createError, READY } from '@plinth/sdk/contract';
import type { Endpoint } from '@plinth/sdk/rpc';
import { isolatedCure, trustedCure } from './trusted.js';

/**
 * Starts a worker and waits until it can receive messages. `label` names its purpose in messages;
 * `ready` is in milliseconds.
 */
export async function startWorker(
  label: string,
  ready: number,
  createWorker: () => Worker = defaultWorker,
): Promise<Guest> {
  let worker: Worker;
  try {
    worker = createWorker();
  } catch (cause) {
    throw createError(
      'plugin/launch-failed',
      `cannot launch ${label}: the browser refused the worker: ${(cause as Error).message}. ${trustedCure(cause) ?? CURE}`,
      {
        plugin: label,
        cause,
      },
    );
  }
  let settle!: (reason: ExitReason) => void;
  const exited = new Promise<ExitReason>((resolve) => {
    settle = resolve;
  });
  const waiting = new AbortController();
  const guest: Guest = {
    endpoint: worker as unknown as Endpoint,
    ports: true,
    exited,
    async terminate() {
      waiting.abort();
      worker.terminate();
      settle({ kind: 'terminated' });
    },
  };
  let lock: string | undefined;
  try {
    lock = await announced(worker, label, ready);
  } catch (error) {
    await guest.terminate();
    throw error;
  }
  watchEnd(lock, waiting.signal, () => settle({ kind: 'exited' }));
  return guest;
}

const CURE =
  "If the application is bundled, pass createWorker: browserHost({ createWorker }) with the one from '@plinth/host-browser/inline', or serve plugin-worker.js beside the bundle";

// Bundlers find the file by this literal pattern.
function defaultWorker(): Worker {
  return new Worker(new URL('./plugin-worker.js', import.meta.url), {
    type: 'module',
    name: 'plinth',
  });
}

/**
 * Waits for the worker's first message. Returns the name of the lock that it holds for as long as
 * it lives.
 */
function announced(worker: Worker, label: string, ready: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const fail = (message: string, cure = `. ${CURE}`) =>
      reject(
        createError('plugin/launch-failed', `cannot launch ${label}: ${message}${cure}`, {
          plugin: label,
        }),
      );
    const late = alarm(
      () => done(() => fail(`its worker did not announce itself within ${ready} ms`)),
      ready,
    );
    const onMessage = ({ data }: MessageEvent) => {
      if (Array.isArray(data) && data[0] === READY)
        done(() => resolve(typeof data[2] === 'string' ? data[2] : undefined));
    };
    // A missing file causes an error event without a message.
    const onError = (event: ErrorEvent) =>
      done(() => {
        if (event.message) fail(`its worker failed: ${event.message}`);
        else
          fail(
            `its worker file could not be loaded. ${isolatedCure('plugin-worker.js') ?? CURE}`,
            '',
          );
      });
    const done = (then: () => void) => {
      late.clear();
      worker.removeEventListener('message', onMessage);
      worker.removeEventListener('error', onError);
      then();
    };
    worker.addEventListener('message', onMessage);
    worker.addEventListener('error', onError);
  });
}

/**
 * Browsers don't report when a worker has ended. It holds a lock while it lives, and acquiring that
 * lock is the signal. Measured in Chromium 156: 1 to 6 ms after the end.
 */
function watchEnd(lock: string | undefined, signal: AbortSignal, ended: () => void): void {
  if (lock === undefined || navigator.locks === undefined) return;
  navigator.locks.request(lock, { signal }, async () => ended()).catch(() => {});
}
