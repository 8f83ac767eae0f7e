/** Functors for tools: what can't be one is refused with the plugin's name. */
import { createError } from '../contract/error-codes.js';
import { functorOf, type Refuse } from './functor-steps.js';
import { atOnce, inSlices } from './slices.js';

/**
 * Makes the functor of a bundle: `async ($exports) => { … }`, as an expression. Guests behind a
 * wall make theirs themselves.
 *
 * @param name the plugin and file, for messages.
 * @throws PluginLifecycleError `plugin/load-failed` for what can't be a plugin's bundle: imports,
 * re-exports, `import()`, `import.meta`.
 */
export function toFunctor(code: string, name: string): string {
  return atOnce(functorOf(code, refusing(name)));
}

/**
 * As {@link toFunctor}, in slices of eight milliseconds.
 *
 * @param pause settles after other tasks have run.
 */
export const toFunctorInSlices = (
  code: string,
  name: string,
  pause: () => Promise<void>,
): Promise<string> => inSlices(functorOf(code, refusing(name)), pause);

const refusing =
  (name: string): Refuse =>
  (what) =>
    createError(
      'plugin/load-failed',
      `cannot load ${name}: ${what}; bundle the plugin into one file that imports nothing`,
      { details: { file: name } },
    );
