/** A value that many receivers get, encoded once. */

import { textOf } from './simple-value.js';
import { takeMark } from './transfer.js';

/** One value for many receivers: encoded when the second of them gets it. */
export class SharedValue {
  readonly value: unknown;
  #text: string | undefined;
  #uses = 0;
  /** The text of a burst that ends with this value: other receivers mostly get the same burst. */
  #burst:
    | { readonly first: SharedValue; readonly count: number; readonly text: string }
    | undefined;

  constructor(value: unknown) {
    this.value = value;
    // With many receivers, buffers that were marked to move are copied for each.
    if (typeof value === 'object' && value !== null) takeMark(value);
  }

  /** The encoded text, from the second receiver on, if the value can travel as text. */
  text(): string | undefined {
    this.#uses += 1;
    if (this.#uses === 2) this.#text = textOf(this.value);
    return this.#text;
  }

  /** Combines the texts of values into one list. */
  static burst(values: readonly SharedValue[]): string {
    const [first, last] = [values[0] as SharedValue, values.at(-1) as SharedValue];
    if (last.#burst?.first !== first || last.#burst.count !== values.length) {
      last.#burst = {
        first,
        count: values.length,
        text: `[${values.map((value) => value.#text).join()}]`,
      };
    }
    return last.#burst.text;
  }
}
