/**
 * What a user has typed and what the plugin says of it. The plugin hears each key a moment later, and
 * answers with a value that may be older than what stands there by then: such an echo must not undo
 * what was typed since.
 */

interface Typed {
  value: string;
}

/** Values that wait for their echo. More would be older than any answer that is still to come. */
const MOST = 200;

/** Owns the values that were sent of each control, as long as they had no echo. */
export class Echoes {
  readonly #sent = new WeakMap<Typed, string[]>();

  /** A value was sent to the plugin. */
  sent(control: Typed): void {
    const sent = this.#sent.get(control) ?? [];
    sent.push(control.value);
    if (sent.length > MOST) sent.shift();
    this.#sent.set(control, sent);
  }

  /** The plugin says what the control holds. */
  set(control: Typed, value: string): void {
    const sent = this.#sent.get(control) ?? [];
    const at = sent.indexOf(value);
    // A value that was never typed is the plugin's own, and counts.
    sent.splice(0, at === -1 ? sent.length : at + 1);
    if (sent.length === 0 && control.value !== value) control.value = value;
  }
}
