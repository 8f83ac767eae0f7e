/** What the rows need from a runtime; implemented once for Node and once for a page. */
import type { Host } from '@plinth/kernel';

/** A worker as the platform gives it, without Plinth: the base of every ratio. */
export interface BenchWorker {
  post(message: unknown, transfer?: readonly MessagePort[]): void;
  listen(listener: (message: unknown) => void): void;
  terminate(): Promise<void>;
}

/** The worker of a guest, controlled without the kernel. */
export interface GuestWorker {
  /** Ends it as the platform would, without telling the kernel. */
  terminate(): void;
  /**
   * When the platform reported its end, on the clock of `performance.now()`; absent where it never
   * does.
   */
  readonly ended?: Promise<number>;
}

/** A way in which plugin code can end its own worker. */
export interface SelfMadeEnd {
  readonly name: string;
  /** Text of an asynchronous function's body. */
  readonly code: string;
}

/**
 * The option of both hosts, declared here so that this compiles without it; the row for spares
 * checks it.
 */
export interface Spares {
  readonly spares?: number;
}

/** A runtime. */
export interface Platform {
  readonly name: 'node' | 'chromium';
  /** Plugins that start together. */
  readonly crowd: number;
  /** Guests that get the same event. */
  readonly audience: number;
  /**
   * Starts an empty worker from text, in the form that starts fastest here. In scope:
   * `listen(listener)`, `post(message)`, and `listenTo(port, listener)`.
   */
  startWorker(code: string): BenchWorker;
  /** A host with the given number of spares, or with its own default. */
  createHost(spares?: number): Host;
  /** A host whose guests' workers can be controlled. */
  createWatchedHost(onWorker: (worker: GuestWorker) => void): Host;
  readonly selfMadeEnds: readonly SelfMadeEnd[];
  /** Microseconds of CPU time used by this process, or of clock time in a page. */
  cpuTime(): number;
  /** Workers started so far. */
  workersStarted(): number;
  /** Calls a listener about every millisecond, or as often as a page can. Returns what stops it. */
  everyTick(listener: () => void): () => void;
}

/** What a row gets. */
export interface Bench {
  readonly platform: Platform;
  readonly rounds: number;
  /** How long one variant runs in one round, if the row doesn't count instead. */
  readonly milliseconds: number;
}

/** Sends requests to a worker that answers in order. */
export function asking(
  worker: BenchWorker,
): (message: unknown, transfer?: readonly MessagePort[]) => Promise<unknown> {
  const waiting: ((answer: unknown) => void)[] = [];
  worker.listen((message) => waiting.shift()?.(message));
  return (message, transfer) =>
    new Promise((resolve) => {
      waiting.push(resolve);
      worker.post(message, transfer);
    });
}
