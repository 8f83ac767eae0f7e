/**
 * What lists of choices hold. A value that the plugin has said before says nothing: what its user has
 * chosen since stays, as long as it is one of the choices.
 */

interface Known {
  readonly said: string;
  /** What is taken: by the plugin's word, or by the user. Undefined where nothing is. */
  taken: string | undefined;
}

/** Owns what is known of each list. */
export class Choices {
  readonly #known = new WeakMap<HTMLSelectElement, Known>();

  /** Its user has chosen. */
  chose(list: HTMLSelectElement): void {
    const known = this.#known.get(list);
    if (known !== undefined) known.taken = takenIn(list);
  }

  /** The plugin says what is taken. Its choices may have come, gone, or changed places. */
  set(list: HTMLSelectElement, value: string): void {
    const { said, taken } = this.#known.get(list) ?? {};
    const stays = said === value && [...list.options].some((one) => one.value === taken);
    list.value = stays && taken !== undefined ? taken : value;
    this.#known.set(list, { said: value, taken: takenIn(list) });
  }
}

const takenIn = (list: HTMLSelectElement): string | undefined =>
  list.selectedIndex === -1 ? undefined : list.value;
