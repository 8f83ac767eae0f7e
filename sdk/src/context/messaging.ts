/** `ctx.messaging`. */
import type { CallOptions } from '../contract/contract-types.js';
import type { LooseHandler, Registered } from './registered.js';

/** Messages to plugins by their id, or to the handler that suits them best. */
export interface PluginMessaging {
  /**
   * Sends a message to a plugin and returns its handler's answer.
   *
   * @throws PluginPermissionError `permission/denied` (`messaging.send`), PluginUnavailableError
   * `message/no-handler`.
   */
  send(plugin: string, message: unknown, options?: CallOptions): Promise<unknown>;
  /**
   * Sends a message to the `MessageHandler` (`@plinth/sdk/contracts`) with the highest confidence.
   * Needs `messaging.send` for `*`.
   */
  route(message: unknown, options?: CallOptions): Promise<unknown>;
  /** Handles the messages sent to this plugin. One handler per plugin. */
  on(handler: LooseHandler): Registered;
}
