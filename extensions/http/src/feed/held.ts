/** Sources that are open while readers want them, and a while longer, so that a reader can come back. */
import type { HttpPort } from '../exchange.js';
import type { Sources } from './feed.js';

/** Milliseconds for which something is still recorded without a reader. */
const HELD = 60_000;

interface Source {
  readonly since: number;
  readers: number;
  readonly stop: () => void;
  ending: { dispose(): void } | undefined;
}

/** Owns the open sources of a feed. They end with the tenant. */
export class HeldSources implements Sources {
  readonly #port: Pick<HttpPort, 'after' | 'own'>;
  readonly #start: (name: string) => () => void;
  readonly #open = new Map<string, Source>();

  /** @param start opens a source. The result ends it. */
  constructor(port: Pick<HttpPort, 'after' | 'own'>, start: (name: string) => () => void) {
    this.#port = port;
    this.#start = start;
    port.own(() => {
      for (const name of this.names) this.#end(name);
    });
  }

  /** Those that are open, in the order in which they were opened. */
  get names(): readonly string[] {
    return [...this.#open.keys()];
  }

  since(name: string): number {
    return this.#open.get(name)?.since ?? Number.POSITIVE_INFINITY;
  }

  want(names: Iterable<string>, next: number): () => void {
    const wanted = [...names];
    for (const name of wanted) {
      const source = this.#open.get(name) ?? this.#begin(name, next);
      source.readers += 1;
      source.ending?.dispose();
      source.ending = undefined;
    }
    let released = false;
    return () => {
      if (released) return;
      released = true;
      for (const name of wanted) this.#release(name);
    };
  }

  #begin(name: string, since: number): Source {
    const source = { since, readers: 0, stop: this.#start(name), ending: undefined };
    this.#open.set(name, source);
    return source;
  }

  #release(name: string): void {
    const source = this.#open.get(name);
    if (source === undefined) return;
    source.readers -= 1;
    if (source.readers === 0) source.ending = this.#port.after(HELD, () => this.#end(name));
  }

  #end(name: string): void {
    const source = this.#open.get(name);
    this.#open.delete(name);
    source?.ending?.dispose();
    source?.stop();
  }
}
