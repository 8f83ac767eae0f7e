/** Reads the values of the other side, under the rules for what may come in. */
import { createSharedError } from '../contract/errors.js';
import { DEFAULT_BOUNDS, type ValueBounds } from './bounds.js';
import { Form } from './frames.js';
import type { LinkOptions } from './link-options.js';
import type { ShapeReader } from './shape-reader.js';
import type { StreamDoor } from './stream-door.js';
import { checkBounds, decode, decodeError, decodeValue, encodeValue, revive } from './value.js';

/** The rules for the values of one link. Owns its bounds, which hold in both directions. */
export class IncomingValues {
  bounds: ValueBounds = DEFAULT_BOUNDS;
  readonly #options: Pick<LinkOptions, 'trusting' | 'plugin' | 'admit'>;
  readonly #shapes: ShapeReader;

  constructor(options: Pick<LinkOptions, 'trusting' | 'plugin' | 'admit'>, shapes: ShapeReader) {
    this.#options = options;
    this.#shapes = shapes;
  }

  /** Encodes the details of an error; what is too large is left out. */
  readonly encode = (details: unknown): unknown => encodeValue(details, this.bounds);

  /** @throws PluginValidationError or PluginProtocolError: the value may be anything. */
  read(
    form: number,
    message: readonly unknown[],
    at: number,
    streams: StreamDoor | undefined,
  ): unknown {
    const { trusting, plugin } = this.#options;
    if (form === Form.packed) {
      const packed = this.#shapes.read(message, at);
      if (!this.bounds.wide && !trusting) checkBounds(packed, this.bounds, false);
      return packed;
    }
    const value = message[at];
    if (form === Form.text)
      throw createSharedError(
        'wire/refused',
        'refused a value as text: only the kernel sends those, as notes',
        { plugin },
      );
    if (trusting) return form === Form.marked ? revive(value, streams) : value;
    return form === Form.marked
      ? decode(value, plugin, streams, this.bounds).value
      : decodeValue(value, plugin, this.bounds);
  }

  /** An error of the other side, or the reason it is too large. */
  error(wire: unknown): unknown {
    const error = decodeError(wire, this.#options.plugin);
    try {
      this.#options.admit?.(error);
      return error;
    } catch (refused) {
      return refused;
    }
  }

  /** Refused values that no caller waits for are dropped silently. */
  admits(value: unknown): boolean {
    try {
      this.#options.admit?.(value);
      return true;
    } catch {
      return false;
    }
  }
}
