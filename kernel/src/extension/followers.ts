/** The tenants that follow the sources of a kernel. */
import { DISPOSE } from '@plinth/sdk/contract';
import type { PluginSource, SourceChange } from '../host.js';

/** What watches a source. In plain JavaScript it may be any `Disposable`. */
type Watching = { dispose(): void } | Disposable;

/** Takes in a change. Rejects with the reason when it isn't used. */
export type Follower = (change: SourceChange) => Promise<void>;

/**
 * Owns what watches the sources, and the order of changes: the next is taken in when all tenants
 * are through with the one before.
 */
export class Followers {
  readonly #followers = new Set<Follower>();
  #watching: readonly Watching[] | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  /** Adds a tenant. Answers what takes it away, which resolves when its last change is over. */
  add(follower: Follower): () => Promise<void> {
    this.#followers.add(follower);
    return async () => {
      this.#followers.delete(follower);
      if (this.#followers.size === 0) this.close();
      await this.#turn;
    };
  }

  /** Begins to watch, with the first tenant that has started. */
  begin(sources: readonly PluginSource[]): void {
    this.#watching ??= sources.flatMap(
      (source) => source.watch?.((change) => this.#next(change)) ?? [],
    );
  }

  /** Ends watching. */
  close(): void {
    const watching = this.#watching ?? [];
    this.#watching = [];
    for (const one of watching)
      if ('dispose' in one) one.dispose();
      else one[DISPOSE]();
  }

  #next(change: SourceChange): Promise<void> {
    const work = this.#turn.then(() => this.#take(change));
    this.#turn = work.catch(() => {});
    return work;
  }

  /** @throws the reason of the first tenant that doesn't use the change. */
  async #take(change: SourceChange): Promise<void> {
    const taken = await Promise.allSettled([...this.#followers].map((one) => one(change)));
    for (const one of taken) if (one.status === 'rejected') throw one.reason;
  }
}
