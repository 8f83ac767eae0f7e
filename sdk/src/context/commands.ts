/** `ctx.commands`. */
import type { CallOptions } from '../contract/contract-types.js';
import type { LooseHandler, Registered } from './registered.js';

/** Commands of this and other plugins. */
export interface PluginCommands {
  /**
   * Registers a command handler. A bare name registers `<plugin id>:<name>`.
   *
   * @example
   * ctx.commands.handle('hello', (name) => `hello ${name}`);
   */
  handle(name: string, handler: LooseHandler): Registered;
  /**
   * Calls a command by its wire id.
   *
   * @throws PluginPermissionError `permission/denied`, PluginUnavailableError
   * `call/unknown-command`, PluginTimeoutError `call/timeout`, or what the provider threw.
   */
  execute(id: string, input?: unknown, options?: CallOptions): Promise<unknown>;
  /** The commands this plugin may execute, including those of plugins that are not started yet. */
  list(): Promise<readonly CommandInfo[]>;
}

/** One command as listings show it. */
export interface CommandInfo {
  readonly id: string;
  readonly plugin: string;
  readonly title?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  /** JSON Schemas from the manifest. */
  readonly input?: unknown;
  readonly output?: unknown;
  /** State of its circuit breaker, if one is configured. */
  readonly breaker?: 'closed' | 'open' | 'half-open';
  /** Whether a handler is registered now. If not, the first call activates the plugin. */
  readonly active: boolean;
}
