/**
 * `createTestContext`: the context of a plugin, for a unit test. It is the real one, of a plugin in a
 * test kernel that does nothing but hold it, so it has the same rules as in an application.
 */
import type { HostCallOptions } from '@plinth/kernel';
import type {
  EventEnvelope,
  ManifestInput,
  Needs,
  Plugin,
  PluginContext,
  Schema,
} from '@plinth/sdk';
import {
  checkOptionNames,
  PERMISSION_NAMES,
  parseContractId,
  parseManifest,
} from '@plinth/sdk/contract';
import { checkValues, RULES } from '../check-options.js';
import { openedBy } from '../opened-by.js';
import { createTestKernel, type TestKernel } from '../test-kernel.js';
import type {
  ContextRecords,
  PlainContextOptions,
  PlainNeeds,
  PlainTestContext,
  PluginContextOptions,
  TestContext,
  TestContextParts,
} from './context-types.js';
import { needsOf, type PreparedNeeds, plainNeeds } from './needs.js';
import { RegisteredParts } from './registered.js';

type AnyContext = PluginContext<Record<never, never>, unknown>;

/**
 * Creates the context that `activate` receives, for a test of `activate` or of a handler. With the
 * plugin among the overrides, its configuration and its needs have their types. The test calls
 * `activate` itself.
 *
 * @throws PluginConfigurationError `config/invalid`, `kernel/invalid-option`; PluginManifestError
 * `manifest/invalid`.
 * @example
 * await using context = await createTestContext({ plugin: notes, needs: { search: { find: () => [] } } });
 * await notes.activate(context);
 * expect(await context.invoke(Notes.add, { text: 'milk' })).toEqual({ id: 'note-1' });
 * expect(context.emitted).toMatchObject([{ topic: 'com.example.notes:added' }]);
 */
export function createTestContext<const N extends Needs, C extends Schema>(
  overrides: PluginContextOptions<N, C>,
): Promise<TestContext<N, C>>;
/** The same without a plugin: `needs` are objects of functions. */
export function createTestContext<
  Config = Record<string, unknown>,
  P extends PlainNeeds = Record<never, never>,
>(overrides?: PlainContextOptions<Config, P>): Promise<PlainTestContext<Config, P>>;
/** The common implementation. */
export async function createTestContext(
  overrides: TestContextParts<unknown> & { readonly plugin?: Plugin; readonly needs?: object } = {},
): Promise<object> {
  checkOptionNames('createTestContext()', overrides, Object.keys(CONTEXT_RULES));
  checkValues('createTestContext()', overrides, CONTEXT_RULES);
  const { plugin, config = {}, storage = {}, secrets = {}, fetch, clock } = overrides;
  const needs =
    plugin === undefined
      ? plainNeeds((overrides.needs ?? {}) as PlainNeeds)
      : needsOf(plugin, (overrides.needs ?? {}) as Record<string, Record<string, unknown>>);
  const manifest = manifestOf(plugin, needs, overrides.manifest);
  const parsed = parseManifest(manifest, 'createTestContext()');
  const { id } = parsed;
  const holder = new Holder(plugin, needs);
  const kernel = await createTestKernel({
    plugins: [{ manifest, plugin: holder }],
    contracts: [...needs.stubs, ...openedBy(parsed)],
    storage: { [id]: storage },
    config: { user: { [id]: config as Record<string, unknown> } },
    ...(fetch !== undefined && { network: fetch }),
    ...(clock !== undefined && { clock }),
  });
  try {
    for (const [name, value] of Object.entries(secrets)) await kernel.secrets.set(id, name, value);
    const { context } = holder;
    if (context !== undefined) return facade(context, kernel);
    throw kernel.plugins.list()[0]?.error;
  } catch (error) {
    await kernel.stop({ drain: 0 });
    throw error;
  }
}

const CONTEXT_RULES = {
  plugin: RULES.object,
  manifest: RULES.object,
  needs: RULES.objects,
  config: RULES.object,
  storage: RULES.object,
  secrets: RULES.object,
  fetch: RULES.object,
  clock: RULES.clock,
};

/** The plugin that holds the context for the test. */
class Holder {
  readonly needs: PreparedNeeds['contracts'];
  readonly config: Schema | undefined;
  context: AnyContext | undefined;

  constructor(plugin: Plugin | undefined, { contracts }: PreparedNeeds) {
    this.needs = contracts;
    this.config = plugin?.config;
  }

  activate(context: AnyContext): void {
    this.context = context;
  }
}

function manifestOf(
  plugin: Plugin | undefined,
  { needs }: PreparedNeeds,
  given: Partial<ManifestInput> = {},
): ManifestInput {
  const provides = (plugin?.provides ?? []).map(({ $id }) => $id);
  const bases = provides.map((one) => parseContractId(one)?.base ?? one);
  const own = bases.find((base) => !base.startsWith('plinth.'));
  return {
    id: own ?? 'com.example.test',
    version: '1.0.0',
    main: 'plugin.js',
    engines: { plinth: '*' },
    provides,
    needs: [...needs],
    permissions: everything(),
    ...given,
  };
}

/** Every permission, as a manifest asks for it. */
function everything(): NonNullable<ManifestInput['permissions']> {
  const all: Record<string, true | Record<string, unknown>> = {};
  for (const name of PERMISSION_NAMES) {
    const [resource = name, action] = name.split('.');
    if (action === undefined) all[resource] = true;
    else all[resource] = { ...(all[resource] as object | undefined), [action]: scopesOf(name) };
  }
  return all as NonNullable<ManifestInput['permissions']>;
}

function scopesOf(name: (typeof PERMISSION_NAMES)[number]): unknown {
  switch (name) {
    case 'storage.read':
    case 'storage.write':
    case 'logs.write':
    case 'system.read':
      return true;
    case 'middleware.use':
      return ['command:*', 'event:*'];
    default:
      return ['*'];
  }
}

/** The context with what a test sees of it. */
function facade(context: AnyContext, kernel: TestKernel): AnyContext & ContextRecords {
  const { id } = context.plugin;
  const parts = new RegisteredParts(id);
  const emitted: EventEnvelope[] = [];
  kernel.events.on('*', (event) => {
    if (event.source === id) emitted.push(event);
  });
  const records: ContextRecords = {
    get handlers() {
      return parts.handlers;
    },
    get registrations() {
      return parts.all;
    },
    emitted,
    get logs() {
      return kernel.logs.filter(({ source }) => source === id);
    },
    calls: kernel.calls,
    denials: kernel.denials,
    invoke: (async (target, input, options) => {
      const name = typeof target === 'string' ? target : target.id;
      const command = name.includes(':') ? name : `${id}:${name}`;
      await registered(kernel, context, command);
      return kernel.commands.execute(command, input, options);
    }) as Invoke as ContextRecords['invoke'],
    stored: () => kernel.storageOf(id),
    advance: async (milliseconds) => kernel.clock.advance(milliseconds),
    stop: () => kernel.stop(),
    [Symbol.asyncDispose]: async () => kernel[Symbol.asyncDispose](),
  };
  return Object.defineProperties({} as AnyContext & ContextRecords, {
    ...Object.getOwnPropertyDescriptors(context),
    ...Object.getOwnPropertyDescriptors(parts.around(context)),
    ...Object.getOwnPropertyDescriptors(records),
  });
}

type Invoke = (
  target: string | { readonly id: string },
  input?: unknown,
  options?: HostCallOptions,
) => Promise<unknown>;

/** Questions to the kernel after which a registration that was sent before has surely arrived. */
const TRIES = 8;

/** Waits for a registration that is on its way. The context returns before the kernel has it. */
async function registered(kernel: TestKernel, context: AnyContext, id: string): Promise<void> {
  for (let tries = 0; tries < TRIES && !kernel.commands.has(id); tries += 1)
    await context.permissions.has('storage.read');
}
