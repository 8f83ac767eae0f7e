/** `definePlugin`: the shape of a plugin, with all types inferred. */
import type { Needs, PluginContext } from './context.js';
import type { AnyContract } from './contract/contract.js';
import type { HealthReport, StopReason } from './contract/protocol.js';
import type { InferOutput, Schema } from './contract/schema.js';

/**
 * A plugin: the default export of its bundle. `definePlugin` returns one; an instance of a class
 * with the same members works too.
 */
export interface Plugin<N extends Needs = Needs, C extends Schema = Schema> {
  /** Contracts whose commands and hooks this plugin answers. */
  readonly provides?: readonly AnyContract[];
  /** Contracts it calls, keyed by the name it uses in `ctx.needs`. */
  readonly needs?: N;
  /** Schema of its configuration. */
  readonly config?: C;
  /** Starts the plugin: registers what it offers. */
  activate(ctx: PluginContext<N, InferOutput<C>>): unknown;
  /**
   * Called before the plugin is unloaded, with the reason. Its scope is disposed afterwards, even
   * if this fails.
   */
  deactivate?(reason: StopReason): unknown;
  /** Called before `activate` and at each change of configuration. May return `'restart'`. */
  configure?(config: InferOutput<C>, previous: InferOutput<C> | undefined): unknown;
  /** Called when the plugin is suspended; it keeps its guest. */
  suspend?(): unknown;
  resume?(): unknown;
  /** Returns state for the next instance: any wire value. */
  getState?(): unknown;
  /** Receives the state of an earlier instance, which may have had another version. */
  restoreState?(state: unknown, fromVersion: string): unknown;
  healthCheck?(): HealthReport | Promise<HealthReport>;
}

/**
 * Defines a plugin. At run time it returns its argument; it gives `activate` its types.
 *
 * @example
 * export default definePlugin({
 *   async activate(ctx) {
 *     ctx.commands.handle('hello', (name: string) => `hello ${name}`);
 *   },
 * });
 */
export function definePlugin<
  const N extends Needs = Record<never, never>,
  C extends Schema = Schema<Record<string, unknown>>,
>(plugin: Plugin<N, C>): Plugin<N, C> {
  return plugin;
}
