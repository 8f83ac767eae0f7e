/** Faults around the plugins, each for as long as it is switched on, in whichever panel one is. */

import type { FaultStorage } from '../kernel/fault-storage.ts';
import type { PlaygroundKernel } from '../kernel/playground-kernel.ts';
import { Changes } from './store.ts';

const SLOW = 800;

/** What is wrong with the calls of the search. */
export type CallFault = 'slow' | 'drop';

/** The switches. */
export class Faults {
  readonly changes = new Changes();
  readonly #kernel: PlaygroundKernel;
  readonly #storage: FaultStorage;
  #calls: { readonly kind: CallFault; dispose(): void } | undefined;

  constructor(kernel: PlaygroundKernel, storage: FaultStorage) {
    this.#kernel = kernel;
    this.#storage = storage;
  }

  get diskFull(): boolean {
    return this.#storage.full;
  }

  get calls(): CallFault | undefined {
    return this.#calls?.kind;
  }

  /** How many are switched on. */
  get count(): number {
    return Number(this.diskFull) + Number(this.#calls !== undefined);
  }

  setDiskFull(full: boolean): void {
    this.#storage.full = full;
    this.changes.announce();
  }

  setCalls(kind: CallFault | undefined): void {
    this.#calls?.dispose();
    this.#calls = undefined;
    if (kind !== undefined) {
      const ms = kind === 'slow' ? SLOW : undefined;
      const middleware = this.#kernel.middleware.use(
        'command:demo.search:*',
        async ({ signal }, next) => {
          await pause(ms, signal);
          return next();
        },
        { name: 'chaos' },
      );
      this.#calls = { kind, dispose: () => middleware.dispose() };
    }
    this.changes.announce();
  }
}

/** Waits, without a time for ever, unless the call ends before. */
function pause(ms: number | undefined, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer =
      ms === undefined
        ? undefined
        : setTimeout(() => {
            signal.removeEventListener('abort', end);
            resolve();
          }, ms);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}
