/** The share of a core that a guest uses. */

/** Looks over which CPU use is averaged. */
const LOOKS = 10;

/** Averages over the last looks. Late looks only make it more exact. */
export class CpuShare {
  readonly #looks: { readonly cpu: number; readonly at: number }[] = [];

  /** @param cpu milliseconds that the guest has used since it began. */
  add(cpu: number): void {
    this.#looks.push({ cpu, at: performance.now() });
    if (this.#looks.length > LOOKS + 1) this.#looks.shift();
  }

  /** 1 for a whole core. 0 while the period is too short to be conclusive. */
  get share(): number {
    if (this.#looks.length <= LOOKS / 2) return 0;
    const [first, last] = [this.#looks[0], this.#looks.at(-1)];
    if (first === undefined || last === undefined) return 0;
    return (last.cpu - first.cpu) / (last.at - first.at);
  }
}
