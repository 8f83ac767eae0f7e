/** Messages of the application. */
import { disposable, messageMember } from '@plinth/sdk/contract';
import type { HostCallOptions } from '../../calls/call-options.js';
import { HostCallView, type HostHandler } from '../../calls/host-call.js';
import { HOST } from '../../calls/kernel-call.js';
import { hostProvider } from '../../calls/provider.js';
import type { CommandRegistry } from '../../commands/command-registry.js';
import type { HostRegistration } from '../../registration.js';
import type { Messaging } from './messaging.js';

/** The API of the extension `messaging`, and `kernel.messaging`. */
export interface HostMessaging {
  /**
   * Sends a message to a plugin. Resolves to the answer of its handler.
   *
   * @throws PluginUnavailableError `message/no-handler` when the plugin takes no messages, or what
   * its handler threw.
   */
  send(plugin: string, message: unknown, options?: HostCallOptions): Promise<unknown>;
  /**
   * Asks every `MessageHandler` for its confidence, and sends the message to the most confident. Of
   * equals, the plugin that was activated first gets it. A handler that fails, or takes longer than
   * a second, is skipped.
   *
   * @throws PluginUnavailableError `message/no-handler` when no handler is confident at all, or
   * what the handler threw.
   */
  route(message: unknown, options?: HostCallOptions): Promise<unknown>;
  /**
   * Handles messages that are sent to `host`. The handler also gets its call: the caller, the signal,
   * the deadline and the rest.
   */
  on(handler: HostHandler): HostRegistration;
}

/**
 * Makes the API.
 *
 * @param check throws when the kernel has stopped.
 */
export function createHostMessaging(
  messaging: () => Promise<Messaging>,
  commands: CommandRegistry,
  check: () => void,
): HostMessaging {
  return {
    async send(plugin, message, options) {
      check();
      return (await messaging()).send(plugin, message, HOST, options);
    },
    async route(message, options) {
      check();
      return (await messaging()).route(message, HOST, options);
    },
    on(handler) {
      const registered = commands.register(messageMember('host'), {
        owner: 'host',
        provider: hostProvider((message, call) => handler(message, new HostCallView(call, {}))),
      });
      return disposable(() => registered.dispose());
    },
  };
}
