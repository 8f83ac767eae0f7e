/**
 * Stage 1: asks the sources for their packages. Nothing is parsed yet. All sources are asked at
 * once. A kernel starts with what was found when each source has ended, or has reported nothing for
 * a while. Each tenant is told about later finds when they arrive.
 */
import { createError, messageOf, type PluginError } from '@plinth/sdk/contract';
import type { PluginPackage, PluginSource } from '../host.js';
import type { DiscoveredPlugin } from '../plugin/record.js';

/** What sources have, and why that may be incomplete. */
export interface Discovered {
  readonly packages: readonly PluginPackage[];
  readonly problems: readonly PluginError[];
}

/** Milliseconds after which nothing waits any more for a source that has not ended. */
const OVERDUE = 15_000;

/** One source while its packages are read. */
interface Look {
  readonly origin: string;
  readonly packages: PluginPackage[];
  problem: PluginError | undefined;
  over: boolean;
  /** When it last reported something, in milliseconds of the monotonic clock. */
  heard: number;
}

/** Owns the single discovery of a kernel, which its tenants share. */
export class Discovery {
  /**
   * Settles when a kernel may start: each source has ended, or has been silent for the given time.
   */
  readonly first: Promise<void>;
  readonly #patience: number;
  readonly #looks: readonly Look[];
  readonly #listeners = new Set<(late: Discovered) => void>();
  readonly #overdue: number;
  /** Ends when nothing waits any more for sources that are silent. */
  readonly #silent = newSignal();
  #next = newSignal();
  #isFirst = true;
  #closed = false;
  #timer: number | undefined;

  /**
   * Reads all sources.
   *
   * @param patience milliseconds of silence.
   */
  constructor(sources: readonly PluginSource[], patience: number) {
    this.#patience = patience;
    const now = performance.now();
    this.#overdue = now + OVERDUE;
    this.#looks = sources.map(({ origin = 'a plugin source' }) => ({
      origin,
      packages: [],
      problem: undefined,
      over: false,
      heard: now,
    }));
    const asked = this.#looks.map((look, index) => this.#ask(look, sources[index] as PluginSource));
    this.first = Promise.race([Promise.all(asked), this.#silent.promise]).then(() => {
      this.#isFirst = false;
      clearTimeout(this.#timer);
      if (!this.#closed && this.#looking.length > 0)
        this.#timer = setTimeout(
          () => this.#tell({ packages: [], problems: [] }),
          // A timer may fire a little early.
          Math.max(0, this.#overdue - performance.now()) + 1,
        );
    });
    this.#awaitSilence();
  }

  /** What was found so far, ordered by source. */
  get found(): Discovered {
    return {
      packages: this.#looks.flatMap(({ packages }) => packages),
      problems: this.#looks.flatMap(({ problem }) => problem ?? []),
    };
  }

  /** Sources that have not ended, each as the problem that it is until then. */
  get pending(): readonly PluginError[] {
    return this.#looking.map(({ origin, heard }) => {
      const silent = Math.round(performance.now() - heard);
      return createError(
        'plugin/source-failed',
        `${origin} has not told all its plugins, and nothing for ${silent} ms: they are taken in when they come`,
        {
          details: { origin, silent },
        },
      );
    });
  }

  /** Sources that have ended without a plugin. */
  get empty(): readonly string[] {
    return this.#looks.flatMap(({ origin, over, packages, problem }) =>
      over && packages.length === 0 && problem === undefined ? [origin] : [],
    );
  }

  /** Whether a source may still find something that is worth waiting for. */
  get mayFindMore(): boolean {
    return !this.#closed && this.#looking.length > 0 && performance.now() < this.#overdue;
  }

  /**
   * Settles with the next report of a source, its end included, and at the latest when
   * {@link mayFindMore} is false.
   */
  get next(): Promise<void> {
    return this.mayFindMore ? this.#next.promise : Promise.resolve();
  }

  /** Reports what is found after {@link first}. Returns a function that stops this. */
  onLate(listener: (late: Discovered) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Ends all waiting and reporting. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#listeners.clear();
    // A start that waits for a silent source ends, too.
    this.#silent.end();
    this.#tell();
  }

  get #looking(): readonly Look[] {
    return this.#looks.filter(({ over }) => !over);
  }

  /** Runs one source to its end. A source that fails half-way keeps what it has found. */
  async #ask(look: Look, source: PluginSource): Promise<void> {
    try {
      for await (const found of source.discover()) {
        look.packages.push(found);
        look.heard = performance.now();
        if (!this.#isFirst) this.#tell({ packages: [found], problems: [] });
      }
    } catch (cause) {
      const { origin } = look;
      look.problem = createError(
        'plugin/source-failed',
        `cannot look for plugins in ${origin}: ${messageOf(cause)}`,
        { details: { origin }, cause },
      );
    }
    look.over = true;
    if (this.#isFirst) return;
    this.#tell({ packages: [], problems: look.problem === undefined ? [] : [look.problem] });
    if (this.#looking.length === 0) clearTimeout(this.#timer);
  }

  #tell(late?: Discovered): void {
    if (late !== undefined) for (const listener of [...this.#listeners]) listener(late);
    const { end } = this.#next;
    this.#next = newSignal();
    end();
  }

  /**
   * A source that keeps finding packages delays the start of the kernel, as it should. A silent one
   * doesn't.
   */
  #awaitSilence(): void {
    const left =
      Math.max(...this.#looking.map(({ heard }) => heard)) + this.#patience - performance.now();
    if (this.#looking.length === 0 || left <= 0) this.#silent.end();
    else if (Number.isFinite(left))
      this.#timer = setTimeout(() => this.#awaitSilence(), Math.min(left, MAX_TIMER));
  }
}

/** Longest wait of a timer, in milliseconds. */
const MAX_TIMER = 2_147_483_647;

interface Signal {
  readonly promise: Promise<void>;
  readonly end: () => void;
}

function newSignal(): Signal {
  let end!: () => void;
  const promise = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { promise, end };
}

/** A package as a record. Its origin identifies it until its manifest has been read. */
export function discovered(one: PluginPackage): DiscoveredPlugin {
  return { state: 'discovered', key: one.origin, id: one.origin, origin: one.origin, package: one };
}
