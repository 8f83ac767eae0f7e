/** `definePlugin`: the shape of a plugin, with everything inferred. */
import type { Needs, PluginContext } from './context.js';
import type { AnyContract } from './contract/contract.js';
import type { HealthReport } from './contract/protocol.js';
import type { InferOutput, Schema } from './contract/schema.js';

/**
 * A plugin: what its bundle exports as default. `definePlugin` returns one; an instance of a class with the same
 * members works too.
 */
export interface Plugin<N extends Needs = Needs, C extends Schema = Schema> {
  /** Contracts whose commands and hooks this plugin answers. */
  readonly provides?: readonly AnyContract[];
  /** Contracts it calls, by the name it wants in `ctx.needs`. */
  readonly needs?: N;
  /** Schema of its configuration. */
  readonly config?: C;
  /** Becomes operational: registers what it offers. */
  activate(ctx: PluginContext<N, InferOutput<C>>): unknown;
  /** Before the plugin is unloaded. Its scope is disposed after this, whatever it does. */
  deactivate?(): unknown;
  /** Before `activate`, and on each change of configuration; may answer `'restart'`. */
  configure?(config: InferOutput<C>, previous: InferOutput<C> | undefined): unknown;
  /** Paused without losing its guest. */
  suspend?(): unknown;
  resume?(): unknown;
  /** What the next instance should know: any wire value. */
  getState?(): unknown;
  /** Takes what an earlier instance, perhaps of another version, gave. */
  restoreState?(state: unknown, fromVersion: string): unknown;
  healthCheck?(): HealthReport | Promise<HealthReport>;
}

/**
 * Defines a plugin; an identity at run time that gives `activate` its types.
 *
 * @example
 * export default definePlugin({
 *   async activate(ctx) {
 *     ctx.commands.handle('hello', (name: string) => `hello ${name}`);
 *   },
 * });
 */
export function definePlugin<const N extends Needs = Record<never, never>, C extends Schema = Schema<Record<string, unknown>>>(plugin: Plugin<N, C>): Plugin<N, C> {
  return plugin;
}
