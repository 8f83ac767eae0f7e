/** The database workers that a page starts, for tests that end them. */
import { afterEach, beforeEach } from 'vitest';

const NAME = 'plinth-sql';
const started: Worker[] = [];

/** Watches which workers are started, in each test of the file. */
export function watchDatabaseWorkers(): readonly Worker[] {
  const RealWorker = globalThis.Worker;
  beforeEach(() => {
    started.length = 0;
    globalThis.Worker = class extends RealWorker {
      constructor(url: string | URL, options?: WorkerOptions) {
        super(url, options);
        if (options?.name === NAME) started.push(this);
      }
    };
  });
  afterEach(() => {
    globalThis.Worker = RealWorker;
  });
  return started;
}

/** Locks that database workers of this origin hold: each has one for as long as it lives. */
export async function heldLocks(): Promise<readonly string[]> {
  const { held = [] } = await navigator.locks.query();
  return held.map(({ name = '' }) => name).filter((name) => name.startsWith('plinth.sql:'));
}
