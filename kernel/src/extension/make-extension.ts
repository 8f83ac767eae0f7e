/** Makes an extension's factory. What it is made of is not checked: `defineExtension` does that. */
import type { ExtensionPort } from './port.js';
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

/** Makes the factory. The kernel's own extensions do without the code that checks them. */
export function makeExtension<const S extends Statics, A extends readonly unknown[], Api>(
  statics: S,
  make: (...options: A) => ExtensionParts<S, Api>,
): ExtensionFactory<S, A, Api> {
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
