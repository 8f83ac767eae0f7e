/**
 * `@plinth/kernel/messaging`: messages to a plugin by its id, or to the one that handles them best.
 *
 * @module
 */
import { makeExtension } from '../../extension/make-extension.js';
import { createHostMessaging, type HostMessaging } from './host-messaging.js';

export type { HostMessaging } from './host-messaging.js';

/**
 * Sends messages of plugins and of the application.
 *
 * @example
 * const kernel = await createKernel({ extensions: [messaging()] });
 * await kernel.extension(messaging).send('com.example.notes', { type: 'note', text: 'hi' });
 */
export const messaging = makeExtension({ name: 'messaging', uses: ['core'] }, () => ({
  install({ core }): HostMessaging {
    const made = core.fill('messaging', async () => {
      const { Messaging } = await import('./messaging.js');
      return (tenant) =>
        new Messaging({
          ...tenant.exchange,
          log: tenant.reporting.log,
          manifest: (id) => tenant.registry.manifest(id),
          activationOf: (id) => tenant.lifecycle.activationOf(id),
          whyAbsent: (id) => tenant.whyAbsent(id),
        });
    });
    return createHostMessaging(made, core.commands, core.check);
  },
}));
