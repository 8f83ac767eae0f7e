/** Defines extensions: their statics, their factory, and the types that follow from both. */
import { createError } from '@plinth/sdk/contract';
import type { ExtensionPort } from './port.js';
import { POWERS } from './power.js';
import type { AnyFactory, Extension, ExtensionFactory, Statics } from './statics.js';

/** The result of an extension's factory. */
export interface ExtensionParts<S extends Statics, Api> {
  /**
   * Runs once for each tenant, the root first. It is synchronous: asynchronous work belongs in
   * `port.on('open', …)`. It returns the API.
   */
  install(port: ExtensionPort<S>): Api;
  /** Runs once, when the last tenant has stopped. It ends what all tenants share. */
  close?(): Promise<void> | void;
}

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
  const factory = (...options: A): Extension<S, Api> => {
    const { install, close } = make(...options);
    return Object.freeze({
      statics,
      factory: factory as unknown as AnyFactory,
      install: install as (port: never) => Api,
      ...(close !== undefined && { close }),
    });
  };
  return Object.freeze(Object.assign(factory, { statics }));
}

const NAME = /^[a-z][a-z0-9-]{0,63}$/;

function checkStatics({ name, uses, events = {} }: Statics): void {
  const wrong = (what: string) =>
    createError('kernel/invalid-option', `the extension '${String(name).slice(0, 80)}' ${what}`, {
      details: { extension: name },
    });
  if (typeof name !== 'string' || !NAME.test(name))
    throw wrong("needs a 'name' of small letters, digits and '-', at most 64");
  if (!Array.isArray(uses)) throw wrong("needs a list 'uses' of the powers it takes");
  for (const power of uses)
    if (!POWERS.includes(power))
      throw wrong(`uses '${String(power)}', which is no power: ${POWERS.join(', ')}`);
  for (const topic of Object.keys(events))
    if (!topic.startsWith(`${name}:`))
      throw wrong(`declares the event '${topic}': its events begin with '${name}:'`);
}
