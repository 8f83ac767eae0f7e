/**
 * What a user has typed and what the plugin says of it. The plugin hears each key a moment later, and
 * answers with a value that may be older than what stands there by then: neither an echo of what was
 * typed before nor a value that was chosen before may undo what was typed since.
 */

interface Typed {
  value: string;
}

/** Tells the plugin what a control holds, under a number that is higher each time. */
export type TellTyped = (value: string, order: number) => void;

interface Sent {
  readonly value: string;
  readonly order: number;
  /** What is left of it in the control: a part was cleared since. */
  left: string;
}

/** What is known of one control. */
interface Known {
  /** Values that wait for their echo. */
  sent: Sent[];
  /** The last value that the plugin has echoed or chosen. */
  base: string | undefined;
  tell: TellTyped;
}

/** Values that wait for their echo. More would be older than any answer that is still to come. */
const MOST = 200;

/** Owns the values that were sent of each control, as long as they had no echo. */
export class Echoes {
  readonly #known = new WeakMap<Typed, Known>();
  #last = 0;
  /** The number up to which the plugin has heard; Infinity when it doesn't say. */
  #seen = Number.POSITIVE_INFINITY;

  /** Another showing: what was typed before is what it begins with. */
  begin(counts: boolean): void {
    this.#seen = counts ? this.#last : Number.POSITIVE_INFINITY;
  }

  /** What the plugin says from now on, it says after it has heard the values up to this number. */
  saw(order: number): void {
    this.#seen = order;
  }

  /** Its user has changed a control. */
  typed(control: Typed, tell: TellTyped): void {
    const known: Known = this.#known.get(control) ?? { sent: [], base: undefined, tell };
    this.#known.set(control, known);
    known.tell = tell;
    this.#last += 1;
    const { value } = control;
    known.sent.push({ value, order: this.#last, left: value });
    if (known.sent.length > MOST) known.sent.shift();
    tell(value, this.#last);
  }

  /** The plugin says what the control holds. */
  set(control: Typed, value: string): void {
    const known = this.#known.get(control);
    if (known !== undefined) {
      const at = known.sent.findIndex((one) => one.value === value);
      if (at !== -1) known.base = known.sent.splice(0, at + 1).at(-1)?.left;
      // A value that was never typed is the plugin's own, and counts once the plugin has heard all.
      else if (known.sent.some(({ order }) => order > this.#seen)) {
        if (value === '') this.#cut(control, known);
        return;
      } else {
        known.sent = [];
        known.base = value;
      }
      if (known.sent.length > 0) return;
    }
    if (control.value !== value) control.value = value;
  }

  /** The plugin has cleared what it had heard. What was typed behind it stays, and is told. */
  #cut(control: Typed, known: Known): void {
    const heard = known.sent.findLast(({ order }) => order <= this.#seen)?.left ?? known.base;
    if (!heard || !control.value.startsWith(heard)) return;
    control.value = control.value.slice(heard.length);
    known.base = '';
    for (const one of known.sent)
      if (one.left.startsWith(heard)) one.left = one.left.slice(heard.length);
    this.typed(control, known.tell);
  }
}
