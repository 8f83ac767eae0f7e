/** Numbers for texts that are often sent in one direction. */

/** Most names in one direction. */
const MAX_NAMES = 4_095;
/** Most characters of a text that gets a number. */
const MAX_TEXT = 512;

/** Owns the names that this side has given. */
export class Names {
  readonly #numbers = new Map<string, number>();

  /**
   * The number of a text, 0 when none is left.
   *
   * @param tell called with a new number, before it is used.
   */
  of(text: string, tell: (number: number) => void): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    if (this.#numbers.size >= MAX_NAMES || text.length > MAX_TEXT) return 0;
    const number = this.#numbers.size + 1;
    this.#numbers.set(text, number);
    tell(number);
    return number;
  }
}
