/**
 * `@plinth/sdk/compat`: runs plugins that were written for other plugin systems as ours. Three shapes are known, as a class or
 * as an object:
 *
 * - `activate(ctx)` / `deactivate()`, perhaps with `id` and `version`;
 * - `on_load(ctx)`, `on_ready()`, `on_unload()`, `capabilities` and `execute_capability(name, input)`;
 * - `register(ctx)`, `onEnable()`, `onDisable()`, `onShutdown()`.
 *
 * @module
 */
import type { PluginContext } from './context.js';
import { createError } from './contract/error-codes.js';
import { isMemberName } from './contract/names.js';
import type { HealthReport } from './contract/protocol.js';
import type { Plugin } from './plugin.js';

/** A plugin of another system: a class without constructor arguments, or an object. */
export type OlderPlugin = object | (new () => object);

type Members = Readonly<Record<string, unknown>>;
type Method = (...args: unknown[]) => unknown;
type Context = PluginContext<Record<string, never>, Record<string, unknown>>;

/**
 * Makes one of ours of an older plugin; what both call the same stays the same. Capabilities become commands under the
 * plugin's id: `translate_text` is answered as `<plugin id>:translateText`.
 *
 * @throws PluginLifecycleError `plugin/load-failed` when it has none of the three shapes, or is another plugin than its
 * manifest says (when it activates).
 * @example
 * import { adapt } from '@plinth/sdk/compat';
 * import { TranslatorPlugin } from './translator.js';
 *
 * export default adapt(TranslatorPlugin);
 */
export function adapt(older: OlderPlugin): Plugin {
  const members = instanceOf(older);
  const shape = SHAPES.find(({ fits }) => fits(members));
  if (shape === undefined) {
    throw createError(
      'plugin/load-failed',
      "an older plugin has 'activate', or 'on_load', 'on_ready' or 'execute_capability', or 'register' or 'onEnable': this one has none of them",
    );
  }
  const call =
    (...names: readonly string[]) =>
    async (...args: unknown[]) => {
      let answer: unknown;
      for (const name of names) if (typeof members[name] === 'function') answer = await (members[name] as Method).apply(members, args);
      return answer;
    };
  const has = (...names: readonly string[]) => names.some((name) => typeof members[name] === 'function');
  return {
    async activate(ctx) {
      checkIdentity(members, ctx as Context);
      await shape.start(members, call, ctx as Context);
    },
    deactivate: call(...shape.stop),
    ...(has(...CONFIGURE) && {
      async configure(config: unknown) {
        const answer = await call(...CONFIGURE)(config);
        if (answer === false) throw createError('config/invalid', 'the plugin refuses its configuration');
      },
    }),
    ...(has(...SUSPEND) && { suspend: call(...SUSPEND) }),
    ...(has(...RESUME) && { resume: call(...RESUME) }),
    ...(has('getState') && { getState: call('getState') }),
    ...(has('restoreState') && { restoreState: call('restoreState') }),
    ...(has(...HEALTH) && { healthCheck: async () => reportOf(await call(...HEALTH)()) }),
  };
}

const CONFIGURE = ['configure', 'on_initialize', 'validate_config'];
const SUSPEND = ['suspend', 'on_suspend'];
const RESUME = ['resume', 'on_resume'];
const HEALTH = ['healthCheck', 'health_check'];

interface Shape {
  fits(members: Members): boolean;
  start(members: Members, call: (...names: readonly string[]) => Method, ctx: Context): Promise<unknown>;
  /** Called when the plugin stops, those that it has, in this order. */
  readonly stop: readonly string[];
}

const isMethod = (members: Members, name: string) => typeof members[name] === 'function';

const SHAPES: readonly Shape[] = [
  {
    fits: (members) => isMethod(members, 'on_load') || isMethod(members, 'on_ready') || isMethod(members, 'execute_capability'),
    async start(members, call, ctx) {
      await call('on_load')(ctx);
      for (const name of await capabilitiesOf(members)) {
        ctx.commands.handle(commandName(name), (input) => {
          const execute = members.execute_capability;
          if (typeof execute !== 'function')
            throw createError('contract/invalid', `the plugin lists the capability '${name}' and has no 'execute_capability'`, { plugin: ctx.plugin.id });
          return (execute as Method).call(members, name, input);
        });
      }
      await call('on_ready')(ctx);
    },
    stop: ['on_unload'],
  },
  {
    fits: (members) => isMethod(members, 'register') || isMethod(members, 'onEnable'),
    async start(_, call, ctx) {
      await call('register')(ctx);
      await call('onEnable')(ctx);
    },
    stop: ['onDisable', 'onShutdown'],
  },
  {
    fits: (members) => isMethod(members, 'activate') || isMethod(members, 'on_activate'),
    start: (_, call, ctx) => call('on_activate', 'activate')(ctx) as Promise<unknown>,
    stop: ['deactivate', 'on_deactivate'],
  },
];

function instanceOf(older: OlderPlugin): Members {
  const made = typeof older === 'function' ? new (older as new () => object)() : older;
  if (made === null || typeof made !== 'object') throw createError('plugin/load-failed', 'an older plugin is a class or an object');
  return made as Members;
}

/** It may have been written for another name; then its manifest is not its own. */
function checkIdentity({ id, version }: Members, { plugin }: Context): void {
  const wrong = (typeof id === 'string' && id !== plugin.id) || (typeof version === 'string' && version !== plugin.version);
  if (!wrong) return;
  const claimed = `${typeof id === 'string' ? id : plugin.id}@${typeof version === 'string' ? version : plugin.version}`;
  throw createError('plugin/load-failed', `the code says it is ${claimed}, its manifest ${plugin.id}@${plugin.version}`, { plugin: plugin.id });
}

/** A list, or a method that answers one; of names, or of objects with a name. */
async function capabilitiesOf(members: Members): Promise<readonly string[]> {
  const { capabilities } = members;
  const listed: unknown = typeof capabilities === 'function' ? await (capabilities as Method).call(members) : (capabilities ?? []);
  const all = Array.isArray(listed) ? listed : Object.keys((listed ?? {}) as object);
  return all.flatMap((one: unknown) => {
    const name = typeof one === 'string' ? one : ((one as { readonly name?: unknown; readonly id?: unknown } | null)?.name ?? (one as { readonly id?: unknown } | null)?.id);
    return typeof name === 'string' ? [name] : [];
  });
}

/** `translate_text` → `translateText`. */
function commandName(capability: string): string {
  const name = capability
    .replace(/[^A-Za-z0-9]+([A-Za-z0-9])?/g, (_, letter: string | undefined) => letter?.toUpperCase() ?? '')
    .replace(/^[A-Z]/, (letter) => letter.toLowerCase());
  if (!isMemberName(name)) throw createError('contract/invalid', `the capability '${capability}' can't be the name of a command`);
  return name;
}

/** What older systems say of their health: a flag, a word, or a report. */
function reportOf(answer: unknown): HealthReport {
  if (typeof answer === 'boolean') return { status: answer ? 'healthy' : 'unhealthy' };
  const report = (typeof answer === 'string' ? { status: answer } : answer) as Partial<HealthReport> | null | undefined;
  const known = report?.status === 'healthy' || report?.status === 'degraded' || report?.status === 'unhealthy';
  return known ? (report as HealthReport) : { status: 'healthy', details: { answer } };
}
