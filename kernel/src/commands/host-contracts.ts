/** For which contracts the host answers: those it provides, and those under whose names it handles commands. */
import { disposable } from '@plinth/sdk/contract';

/** Counts what the host has registered, by the base of its contract: the host's own has no version, and suits everybody. */
export class HostContracts {
  readonly #counts = new Map<string, number>();
  /** Told when the host begins to answer for a contract, and when it ceases to. */
  onChange: (base: string) => void = () => {};

  has(base: string): boolean {
    return this.#counts.has(base);
  }

  /** Disposing the answer takes it back. */
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
