/**
 * Contracts that the host answers: those it provides, and those under whose names it handles
 * commands.
 */
import { disposable } from '@plinth/sdk/contract';

/**
 * Counts the host's registrations by the base of their contract. The host's own have no version and
 * suit every caller.
 */
export class HostContracts {
  readonly #counts = new Map<string, number>();
  /** Called when the host begins or ceases to answer for a contract. */
  onChange: (base: string) => void = () => {};

  has(base: string): boolean {
    return this.#counts.has(base);
  }

  /** Disposing the answer removes it. */
  add(base: string): Disposable & { dispose(): void } {
    this.#change(base, 1);
    return disposable(() => this.#change(base, -1));
  }

  #change(base: string, by: 1 | -1): void {
    const before = this.#counts.get(base) ?? 0;
    const count = before + by;
    if (count === 0) this.#counts.delete(base);
    else this.#counts.set(base, count);
    if (before === 0 || count === 0) this.onChange(base);
  }
}
