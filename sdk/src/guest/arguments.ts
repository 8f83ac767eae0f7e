/**
 * Checks what a plugin passes to its context before anything is sent. An author's mistake becomes
 * an error in the plugin and costs the kernel nothing.
 */
import { createSharedError, PluginValidationError } from '../contract/errors.js';
import { isMemberName } from '../contract/names.js';

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

/**
 * The id of what a plugin registers or emits: a bare name is the plugin's own.
 *
 * @throws PluginValidationError `contract/invalid`.
 */
export function idIn(name: string, plugin: string, what: string): string {
  if (textIn(name, `the name of a ${what}`).includes(':')) return name;
  if (!isMemberName(name))
    throw createSharedError(
      'contract/invalid',
      `'${name}' is not a name for a ${what}: letters and digits, lower-case first`,
      { plugin },
    );
  return `${plugin}:${name}`;
}

/** @throws PluginValidationError `call/invalid-option`. */
export const pluginIn = (value: unknown) =>
  textIn(value, 'the id of a plugin', 'call/invalid-option');

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
