/** One command in several runtimes: what each answers, how fast, and where they differ. */
import type { PlaygroundKernel } from '../kernel/playground-kernel.ts';
import type { Difference } from './difference.ts';
import type { NodeClient } from './node-client.ts';
import type { Outcome } from './outcome.ts';
import type { Runtime } from './runtimes.ts';
import type { Times } from './statistics.ts';
import { Changes } from './store.ts';

/** What is asked of each runtime. */
export interface Asked {
  readonly command: string;
  readonly input: unknown;
  /** How often it is called, one after the other. */
  readonly calls: number;
}

/** What one runtime did. */
export interface Column {
  readonly title: string;
  readonly state: 'waiting' | 'starting' | 'running' | 'done';
  /** Calls that have ended, and those of them that failed. */
  readonly ended: number;
  readonly failed: number;
  /** How the first call ended, and what came of it. */
  readonly outcome?: Outcome['kind'];
  readonly text?: string;
  readonly times?: Times;
  /** SHA-256 of the plugin's file. */
  readonly artefact?: string;
  /** From the first runtime. Absent for that one, and until both have answered. */
  readonly difference?: Difference;
}

/** One comparison. */
export interface Run extends Asked {
  readonly status: 'running' | 'done' | 'cancelled' | 'failed';
  readonly columns: readonly Column[];
  /** Why it failed as a whole. */
  readonly problem?: string;
}

/** Milliseconds for all calls of one runtime: a slow command is called less often. */
const MOST_TIME = 15_000;

/** Owns the runtimes that it opens, until it is closed. One comparison runs at a time. */
export class Comparison {
  readonly changes = new Changes();
  /** Finished comparisons. */
  count = 0;
  run: Run | undefined;
  /** Absent for a page that was served without a Node kernel. */
  readonly node: NodeClient | undefined;
  readonly #kernel: PlaygroundKernel;
  #runtimes: readonly Runtime[] | undefined;
  #stop: AbortController | undefined;

  constructor(kernel: PlaygroundKernel, node: NodeClient | undefined) {
    this.#kernel = kernel;
    this.node = node;
  }

  /** Runs a comparison. One that runs already is cancelled. */
  async start(asked: Asked): Promise<void> {
    this.cancel();
    const stop = new AbortController();
    this.#stop = stop;
    const change = (next: Partial<Run>) => {
      // What a cancelled comparison still tells must not replace a later one.
      if (this.#stop !== stop) return;
      this.run = { status: 'running', columns: [], ...asked, ...this.run, ...next };
      this.changes.announce();
    };
    this.run = undefined;
    change({});
    try {
      const parts = await import('./measure.ts');
      if (stop.signal.aborted) return;
      this.#runtimes ??= parts.runtimesOf(this.#kernel, this.node);
      await parts.measureAll(this.#runtimes, asked, {
        signal: stop.signal,
        most: MOST_TIME,
        tell: (columns) => change({ columns }),
      });
      if (stop.signal.aborted) return;
      this.count += 1;
      change({ status: 'done' });
    } catch (error) {
      change({ status: 'failed', problem: error instanceof Error ? error.message : String(error) });
    }
  }

  /** Ends the comparison that runs. Its columns stay as they are. */
  cancel(): void {
    if (this.run?.status !== 'running') return;
    this.run = { ...this.run, status: 'cancelled' };
    this.#stop?.abort();
    this.changes.announce();
  }

  /** Cancels, and stops what was made for comparisons. A later comparison makes it again. */
  async close(): Promise<void> {
    this.cancel();
    const runtimes = this.#runtimes ?? [];
    this.#runtimes = undefined;
    await Promise.all(runtimes.map((runtime) => runtime.stop()));
  }
}
