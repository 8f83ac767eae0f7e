/** Requests in flight, and their bounds. */
import { refuse } from './problem.js';

/** Owns the counts of a tenant. A full count refuses at once; nothing waits. */
export class InFlight {
  readonly #most: number;
  readonly #mostOfPlugin: number;
  readonly #plugins = new Map<string, number>();
  readonly #idle = new Set<() => void>();
  #count = 0;

  constructor(most: number, mostOfPlugin: number) {
    this.#most = most;
    this.#mostOfPlugin = mostOfPlugin;
  }

  get count(): number {
    return this.#count;
  }

  /** Counts a request. The result ends it, and may be called again. @throws Refusal 503. */
  enter(): () => void {
    if (this.#count >= this.#most) throw full('The server');
    this.#count += 1;
    return once(() => {
      this.#count -= 1;
      if (this.#count > 0) return;
      for (const resolve of this.#idle) resolve();
      this.#idle.clear();
    });
  }

  /** Counts a request of one plugin. @throws Refusal 503. */
  enterPlugin(id: string): () => void {
    const before = this.#plugins.get(id) ?? 0;
    if (before >= this.#mostOfPlugin) throw full('The plugin');
    this.#plugins.set(id, before + 1);
    return once(() => {
      const left = (this.#plugins.get(id) ?? 1) - 1;
      if (left > 0) this.#plugins.set(id, left);
      else this.#plugins.delete(id);
    });
  }

  /** Resolves when no request is in flight. */
  idle(): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle.add(resolve);
    });
  }
}

function once(work: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    work();
  };
}

const full = (who: string) =>
  refuse(503, 'http/overloaded', `${who} has too many requests in flight.`, { 'retry-after': '1' });
