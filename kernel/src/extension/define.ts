/** Defines extensions: their statics, their factory, and the types that follow from both. */
import { checkOptionNames, createError, messageOf, RESERVED_SEGMENTS } from '@plinth/sdk/contract';
import { checkKind, checkShape } from './check-arguments.js';
import { type ExtensionParts, makeExtension } from './make-extension.js';
import { POWERS } from './power.js';
import type { ExtensionFactory, Statics } from './statics.js';

/**
 * Defines an extension of the kernel.
 *
 * @param make runs once for each kernel. What its closure holds is shared by the kernel's tenants.
 * @throws PluginConfigurationError `kernel/invalid-option` for statics that say nothing sensible.
 * @example
 * export const clock = defineExtension({ name: 'clock', uses: ['provide'] }, (options: { zone: string }) => ({
 *   install(port) {
 *     port.provide(Clock, { now: () => new Date().toLocaleString('en', { timeZone: options.zone }) });
 *     return { zone: options.zone };
 *   },
 * }));
 * const kernel = await createKernel({ extensions: [clock({ zone: 'UTC' })] });
 * kernel.extension(clock).zone;
 */
export function defineExtension<const S extends Statics, A extends readonly unknown[], Api>(
  statics: S,
  make: (...options: A) => ExtensionParts<S, Api>,
): ExtensionFactory<S, A, Api> {
  checkStatics(statics);
  const where = `defineExtension('${statics.name}')`;
  checkKind(where, 'what makes it', make, 'function');
  return makeExtension(statics, (...options: A) => {
    const made = make(...options);
    checkShape(where, made, { install: 'function', close: 'function?' });
    return made;
  });
}

const NAME = /^[a-z][a-z0-9-]{0,63}$/;

const STATICS = ['name', 'uses', 'requires', 'before', 'after', 'features', 'events'];
const LISTS = ['requires', 'before', 'after', 'features'] as const;

function checkStatics(statics: Statics): void {
  checkKind('defineExtension()', 'what it takes first', statics, 'object');
  const { name, uses, events = {} } = statics;
  const wrong = (what: string) =>
    createError('kernel/invalid-option', `the extension '${String(name).slice(0, 80)}' ${what}`, {
      details: { extension: name },
    });
  if (typeof name !== 'string' || !NAME.test(name))
    throw wrong("needs a 'name' of small letters, digits and '-', at most 64");
  // The source of events and calls that the kernel, or the host itself, has made.
  if (name === 'host' || (RESERVED_SEGMENTS.has(name) && !uses?.includes('core')))
    throw wrong("has a name that is the kernel's own: choose another one");
  checkOptionNames(`the extension '${name}'`, statics, STATICS);
  for (const list of LISTS) {
    const given: unknown = statics[list] ?? [];
    if (!Array.isArray(given)) throw wrong(`needs a list '${list}', not ${messageOf(given)}`);
    for (const one of given) {
      // Of two modules that import each other, one is not defined yet: the order of all tells it.
      const is = list === 'requires' ? one === undefined || one?.statics : typeof one === 'string';
      if (!is)
        throw wrong(
          list === 'requires'
            ? 'requires what is no extension: it names factories of defineExtension()'
            : `has '${String(one)}' in '${list}', which is no text`,
        );
    }
  }
  if (!Array.isArray(uses)) throw wrong("needs a list 'uses' of the powers it takes");
  for (const power of uses)
    if (!POWERS.includes(power))
      throw wrong(`uses '${String(power)}', which is no power: ${POWERS.join(', ')}`);
  checkKind(`the extension '${name}'`, "'events'", events, 'object');
  for (const topic of Object.keys(events))
    if (!topic.startsWith(`${name}:`))
      throw wrong(`declares the event '${topic}': its events begin with '${name}:'`);
}
