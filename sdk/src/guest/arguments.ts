/**
 * Checks what a plugin passes to its context before anything is sent. An author's mistake becomes
 * an error in the plugin and costs the kernel nothing.
 */
import { PluginValidationError } from '../contract/errors.js';

const told = (value: unknown) => (value === null ? 'null' : typeof value);

/**
 * Checks a text argument.
 *
 * @param most its maximum length, in characters.
 * @throws PluginValidationError with the code.
 */
export function textIn(
  value: unknown,
  what: string,
  code = 'contract/invalid',
  most = 1_024,
): string {
  if (typeof value !== 'string')
    throw new PluginValidationError(code, `${what} is a text, not ${told(value)}`);
  if (value.length > most)
    throw new PluginValidationError(
      code,
      `${what} has at most ${most} characters, not ${value.length}`,
    );
  return value;
}

/** @throws PluginValidationError `contract/invalid`. */
export function functionIn<F>(value: F, what: string): F {
  if (typeof value !== 'function')
    throw new PluginValidationError(
      'contract/invalid',
      `${what} is a function, not ${told(value)}`,
    );
  return value;
}

/** @throws PluginValidationError `contract/invalid`. */
export function contractIn<C>(value: C): C {
  if (typeof (value as { $id?: unknown } | null)?.$id !== 'string')
    throw new PluginValidationError(
      'contract/invalid',
      `a contract is what contract() makes, not ${told(value)}`,
    );
  return value;
}

/** Turns a synchronous throw into a rejection: an async method never throws at its caller. */
export function attempt<T>(run: () => Promise<T>): Promise<T> {
  try {
    return run();
  } catch (error) {
    return Promise.reject(error);
  }
}
