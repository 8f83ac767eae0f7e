/** A stack of undo functions. Everything a plugin adds is on one; ending the plugin disposes it. */
/// <reference lib="esnext.disposable" preserve="true" />
import { createSharedError } from './errors.js';
import { isPromiseLike } from './schema.js';

/** Undoes something. May be asynchronous. */
export type Undo = () => unknown;

/** Makes a Disposable from an undo function. Only the first `dispose` runs it. */
export function disposable(undo: () => void): Disposable & { dispose(): void } {
  let done = false;
  const dispose = () => {
    if (done) return;
    done = true;
    undo();
  };
  return { dispose, [DISPOSE]: dispose };
}

/**
 * `Symbol.dispose`. Where the runtime lacks it, the registered symbol that compilers fall back to.
 */
export const DISPOSE: typeof Symbol.dispose =
  Symbol.dispose ?? (Symbol.for('Symbol.dispose') as typeof Symbol.dispose);
/** `Symbol.asyncDispose`, with the same fallback as {@link DISPOSE}. */
export const ASYNC_DISPOSE: typeof Symbol.asyncDispose =
  Symbol.asyncDispose ?? (Symbol.for('Symbol.asyncDispose') as typeof Symbol.asyncDispose);

/** Last in, first out. */
export class Scope {
  readonly #undos = new Set<Undo>();
  #disposed = false;

  get disposed(): boolean {
    return this.#disposed;
  }

  /** The number of undo functions. */
  get size(): number {
    return this.#undos.size;
  }

  /**
   * Adds an undo function. Returns a function that removes it without running it.
   *
   * @throws PluginLifecycleError `scope/disposed` when the scope has ended: nothing may be added to
   * a stopped plugin.
   */
  add(undo: Undo): () => void {
    if (this.#disposed)
      throw createSharedError(
        'scope/disposed',
        'nothing can be registered any more: the plugin has stopped',
      );
    // Wrapped, so that the same function added twice runs twice.
    const entry = () => undo();
    this.#undos.add(entry);
    return () => this.#undos.delete(entry);
  }

  /**
   * Runs every undo function in reverse order, even if some throw, then throws their errors as one.
   * Idempotent.
   */
  async dispose(): Promise<void> {
    this.#disposed = true;
    const failures: unknown[] = [];
    for (const undo of [...this.#undos].reverse()) {
      this.#undos.delete(undo);
      try {
        // Awaits only promises, so that synchronous registrations are gone in the same turn.
        const undone = undo();
        if (isPromiseLike(undone)) await undone;
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0)
      throw new AggregateError(
        failures,
        `${failures.length} of the plugin's resources could not be released`,
      );
  }
}
