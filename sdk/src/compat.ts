/**
 * `@plinth/sdk/compat`: runs plugins written for other plugin systems. It knows three shapes, as a
 * class or as an object; a plugin may mix them. `snake_case` and `camelCase` spellings count as the
 * same name.
 *
 * - Hooks: `on_discover()`, `on_load(config)`, `on_initialize()`, `on_ready()`, `on_activate()`,
 *   `on_suspend()`, `on_resume()`, `on_unload()`.
 * - Capabilities: `initialize(context)`, `activate(context)`, `deactivate()`, `capabilities` or
 *   `get_capabilities()`, `execute_capability(id, input, call)`, `get_config_schema()`,
 *   `validate_config(config)`, `health_check()`.
 * - Registration: `register(context)`, `onEnable()`, `onDisable()`, `onShutdown()`.
 *
 * @module
 */
import { Validator } from '@cfworker/json-schema';
import type { PluginContext } from './context.js';
import type { Call } from './contract/call-context.js';
import { createError } from './contract/error-codes.js';
import { isMemberName } from './contract/names.js';
import type { HealthReport } from './contract/protocol.js';
import { describeIssues, type Issue } from './contract/schema.js';
import type { Plugin } from './plugin.js';

/** A plugin of another system: an object, or a class whose constructor takes no arguments. */
export type OlderPlugin = object | (new () => object);

type Members = Readonly<Record<string, unknown>>;
type Method = (...args: unknown[]) => unknown;
type Context = PluginContext<Record<string, never>, Record<string, unknown>>;

/**
 * Adapts a plugin of another system. The hooks it has run in this order:
 *
 * 1. Once, before it starts: `on_discover()`.
 * 2. Before it starts and at each change of settings: the settings are checked with
 *    `get_config_schema()`, then `validate_config(config)` and `configure(config)`. Returning
 *    `false` refuses the settings.
 * 3. At the start: `on_load(config, context)`, `initialize(context)`, `on_initialize(context)`,
 *    `register(context)`; then its capabilities become commands; then `on_ready(context)`,
 *    `activate(context)`, `on_activate(context)`, `onEnable(context)`. Returning `false` from
 *    `initialize` or `activate` fails the start.
 * 4. On suspend: `suspend()` and `on_suspend()`. On resume: `resume()` and `on_resume()`.
 * 5. At every stop: `onDisable()`, `deactivate()`, `on_deactivate()`, `on_unload()`. When the
 *    kernel itself stops, `onShutdown()` follows. If one throws, the others still run.
 *
 * Capabilities become commands under the plugin's id:
 * `execute_capability('translate_text', input, call)` answers `<plugin id>:translateText`.
 * `healthCheck`, `getState` and `restoreState` keep their meaning.
 *
 * @throws PluginLifecycleError `plugin/load-failed` when no hook starts it, or (at activation) when
 * its id or version differs from its manifest.
 * @example
 * import { adapt } from '@plinth/sdk/compat';
 * import { TranslatorPlugin } from './translator.js';
 *
 * export default adapt(TranslatorPlugin);
 */
export function adapt(older: OlderPlugin): Plugin {
  const members = instanceOf(older);
  const has = (...names: readonly string[]) =>
    names.some((name) => methodOf(members, name) !== undefined);
  if (!has(...BEFORE, ...AFTER, 'execute_capability')) {
    throw createError(
      'plugin/load-failed',
      "an older plugin has 'activate' or 'initialize', or 'on_load', 'on_ready' or 'execute_capability', or 'register' or 'onEnable': this one has none of them",
    );
  }
  const call =
    (...names: readonly string[]) =>
    async (...args: unknown[]) => {
      let answer: unknown;
      for (const name of names) answer = (await methodOf(members, name)?.(...args)) ?? answer;
      return answer;
    };
  let discovered = false;
  return {
    async configure(config: unknown, previous: unknown) {
      if (!discovered) await call('on_discover')();
      discovered = true;
      await checkConfig(members, config);
      return call('configure')(config, previous);
    },
    async activate(given) {
      const ctx = given as Context;
      checkIdentity(members, ctx);
      await start(members, BEFORE, ctx);
      for (const id of await capabilitiesOf(members))
        ctx.commands.handle(commandName(id), (input, callOf) =>
          execute(members, id, input, callOf, ctx),
        );
      await start(members, AFTER, ctx);
    },
    deactivate: (reason) => stop(members, reason === 'stop' ? [...STOP, 'on_shutdown'] : STOP),
    ...(has(...SUSPEND) && { suspend: () => call(...SUSPEND)() }),
    ...(has(...RESUME) && { resume: () => call(...RESUME)() }),
    ...(has('get_state') && { getState: call('get_state') }),
    ...(has('restore_state') && { restoreState: call('restore_state') }),
    ...(has('health_check') && { healthCheck: async () => reportOf(await call('health_check')()) }),
  };
}

/** The hooks that start a plugin, in order: before its capabilities are registered, and after. */
const BEFORE = ['on_load', 'initialize', 'on_initialize', 'register'];
const AFTER = ['on_ready', 'activate', 'on_activate', 'on_enable'];
/** Hooks that may refuse the start. */
const MAY_REFUSE: ReadonlySet<string> = new Set(['initialize', 'activate']);
const STOP = ['on_disable', 'deactivate', 'on_deactivate', 'on_unload'];
const SUSPEND = ['suspend', 'on_suspend'];
const RESUME = ['resume', 'on_resume'];

/** Runs hooks of a start, in order. Stops at the first that refuses or throws. */
async function start(members: Members, names: readonly string[], ctx: Context): Promise<void> {
  for (const name of names) {
    const answer = await methodOf(
      members,
      name,
    )?.(...(name === 'on_load' ? [ctx.config, ctx] : [ctx]));
    if (answer !== false || !MAY_REFUSE.has(name)) continue;
    throw createError(
      'plugin/load-failed',
      `the plugin refuses to start: its '${name}' answered false`,
      { plugin: ctx.plugin.id, details: { method: name } },
    );
  }
}

/** Runs all hooks of a stop, in order, and throws afterwards what they threw. */
async function stop(members: Members, names: readonly string[]): Promise<void> {
  const failures: unknown[] = [];
  for (const name of names) {
    try {
      await methodOf(members, name)?.();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0)
    throw failures.length === 1
      ? failures[0]
      : new AggregateError(failures, 'the plugin failed while it stopped');
}

/** A method by its `snake_case` name or the `camelCase` form of it. */
function methodOf(members: Members, name: string): Method | undefined {
  for (const one of [name, camelCase(name)]) {
    const found = members[one];
    if (typeof found === 'function') return (...args) => (found as Method).apply(members, args);
  }
  return undefined;
}

const camelCase = (name: string) =>
  name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

function instanceOf(older: OlderPlugin): Members {
  const made = typeof older === 'function' ? new (older as new () => object)() : older;
  if (made === null || typeof made !== 'object')
    throw createError('plugin/load-failed', 'an older plugin is a class or an object');
  return made as Members;
}

/** The plugin may have been written for another id; its manifest is then wrong. */
function checkIdentity({ id, version }: Members, { plugin }: Context): void {
  const wrong =
    (typeof id === 'string' && id !== plugin.id) ||
    (typeof version === 'string' && version !== plugin.version);
  if (!wrong) return;
  const claimed = `${typeof id === 'string' ? id : plugin.id}@${typeof version === 'string' ? version : plugin.version}`;
  throw createError(
    'plugin/load-failed',
    `the code says it is ${claimed}, its manifest ${plugin.id}@${plugin.version}`,
    { plugin: plugin.id },
  );
}

/** @throws PluginConfigurationError `config/invalid`. */
async function checkConfig(members: Members, config: unknown): Promise<void> {
  const schema = await methodOf(members, 'get_config_schema')?.();
  const issues = schema !== null && typeof schema === 'object' ? problemsOf(schema, config) : [];
  if (issues.length > 0)
    throw createError(
      'config/invalid',
      `the configuration doesn't fit the schema of the plugin: ${describeIssues(issues)}`,
      { details: { issues } },
    );
  const answer = await methodOf(members, 'validate_config')?.(config);
  const { valid, errors } = (
    answer !== null && typeof answer === 'object' ? answer : { valid: answer }
  ) as { readonly valid?: unknown; readonly errors?: unknown };
  if (valid !== false) return;
  const why =
    Array.isArray(errors) && errors.length > 0 ? `: ${errors.map(String).join('; ')}` : '';
  throw createError('config/invalid', `the plugin refuses its configuration${why}`);
}

/** Reports problems at the leaves only: errors of their parents repeat them. */
function problemsOf(schema: object, config: unknown): readonly Issue[] {
  // The validator writes into its schema, so it gets a copy.
  const { errors } = new Validator(structuredClone(schema), '2020-12', false).validate(config);
  const found = errors.filter(
    ({ keyword }) =>
      keyword !== 'properties' && keyword !== 'items' && keyword !== 'allOf' && keyword !== '$ref',
  );
  return found.slice(0, MAX_ISSUES).map(({ instanceLocation, error }) => ({
    path: instanceLocation.replace(/^#\/?/, '').replaceAll('/', '.'),
    message: error,
  }));
}

const MAX_ISSUES = 50;

function execute(
  members: Members,
  capability: string,
  input: unknown,
  call: Call,
  ctx: Context,
): unknown {
  const method = methodOf(members, 'execute_capability');
  if (method !== undefined) return method(capability, input, call);
  throw createError(
    'contract/invalid',
    `the plugin lists the capability '${capability}' and has no 'execute_capability'`,
    { plugin: ctx.plugin.id },
  );
}

/**
 * Capability ids from a list or a method's result: strings, objects with an `id` or `name`, or an
 * object's keys.
 */
async function capabilitiesOf(members: Members): Promise<readonly string[]> {
  const method = methodOf(members, 'get_capabilities') ?? methodOf(members, 'capabilities');
  const listed: unknown = method === undefined ? (members.capabilities ?? []) : await method();
  const all: readonly unknown[] = isIterable(listed)
    ? [...listed]
    : Object.keys((listed ?? {}) as object);
  return all.flatMap((one) => {
    const { id, name } = (one ?? {}) as { readonly id?: unknown; readonly name?: unknown };
    const found = typeof one === 'string' ? one : (id ?? name);
    return typeof found === 'string' ? [found] : [];
  });
}

const isIterable = (value: unknown): value is Iterable<unknown> =>
  value !== null && typeof value === 'object' && Symbol.iterator in value;

/** `translate_text` → `translateText`. */
function commandName(capability: string): string {
  const name = capability
    .replace(
      /[^A-Za-z0-9]+([A-Za-z0-9])?/g,
      (_, letter: string | undefined) => letter?.toUpperCase() ?? '',
    )
    .replace(/^[A-Z]/, (letter) => letter.toLowerCase());
  if (!isMemberName(name))
    throw createError(
      'contract/invalid',
      `the capability '${capability}' can't be the name of a command`,
    );
  return name;
}

/** Health as other systems report it: a flag, a word or a report. */
function reportOf(answer: unknown): HealthReport {
  if (typeof answer === 'boolean') return { status: answer ? 'healthy' : 'unhealthy' };
  const report = (typeof answer === 'string' ? { status: answer } : answer) as
    | Partial<HealthReport>
    | null
    | undefined;
  const known =
    report?.status === 'healthy' || report?.status === 'degraded' || report?.status === 'unhealthy';
  return known ? (report as HealthReport) : { status: 'healthy', details: { answer } };
}
