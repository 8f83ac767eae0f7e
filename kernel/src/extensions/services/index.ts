/**
 * `@plinth/kernel/services`: the application's own services, by token, with lifetimes.
 *
 * @module
 */
import { makeExtension } from '../../extension/make-extension.js';
import { Container, type HostServices } from './container.js';
import type { ServiceSpec } from './service.js';

export type { HostServices } from './container.js';
export type { Lifetime, ServiceSpec } from './service.js';

/**
 * Gives each tenant a container of services, and each call of a handler a scope of it.
 *
 * @param specs services by token; each tenant has its own.
 * @throws PluginConfigurationError `service/invalid`.
 * @example
 * const kernel = await createKernel({ extensions: [services({ clock: { create: () => Date } })] });
 * const clock = await kernel.extension(services).get('clock');
 */
export const services = makeExtension(
  { name: 'services', uses: ['core'] },
  (specs: Readonly<Record<string, ServiceSpec<unknown>>> = {}) => ({
    install({ core, own }): HostServices {
      const container = new Container();
      for (const [token, spec] of Object.entries(specs ?? {})) container.provide(token, spec);
      core.scope(() => container.createScope());
      own(() => container.close());
      return container;
    },
  }),
);
