/**
 * What lists of choices hold. A value that the plugin has said before says nothing: what its user has
 * chosen since stays, as long as it is there.
 */

interface Known {
  readonly said: string;
  /** What is taken: by the plugin's word, or by the user. Undefined where nothing is. */
  taken: Element | undefined;
}

/** Owns what is known of each list. */
export class Choices {
  readonly #known = new WeakMap<HTMLSelectElement, Known>();

  /** Its user has chosen. */
  chose(list: HTMLSelectElement): void {
    const known = this.#known.get(list);
    if (known !== undefined) known.taken = list.selectedOptions[0];
  }

  /** The plugin says what is taken. Its choices may have come or gone. */
  set(list: HTMLSelectElement, value: string): void {
    const known = this.#known.get(list);
    const stands = known?.taken !== undefined && list.contains(known.taken);
    if (known?.said === value && stands) return;
    list.value = value;
    this.#known.set(list, { said: value, taken: list.selectedOptions[0] });
  }
}
