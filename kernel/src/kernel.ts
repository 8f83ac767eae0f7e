/** `createKernel`: the composition root. Everything is wired here and only here; reading it shows what there is. */
import type { AnyContract, Client, Handlers, MiddlewareCall, Next, PermissionName, Permissions } from '@plinth/sdk';
import { ASYNC_DISPOSE, createError, DEFAULT_TENANT, didYouMean, type Manifest, messageOf } from '@plinth/sdk/contract';
import { Deadlines, Turn } from '@plinth/sdk/rpc';
import type { CallServices } from './commands/call.js';
import type { HostCallOptions } from './commands/call-options.js';
import { CommandRegistry } from './commands/command-registry.js';
import { createHostCommands, type HostCommands, type HostRegistration } from './commands/host-commands.js';
import type { ConfigOptions } from './config/config-store.js';
import { ConfigStore } from './config/config-store.js';
import { createHostConfig, type HostConfig } from './config/host-config.js';
import { EventBus } from './events/event-bus.js';
import { createHostEvents, createHostHooks, createHostMiddleware, type HostEvents, type HostHooks, type HostMiddleware } from './events/host-events.js';
import type { KernelEvents } from './events/kernel-events.js';
import { createPublisher } from './events/publisher.js';
import { inlineHost } from './guests/inline-host.js';
import { Lanes } from './guests/lanes.js';
import type { Host, PluginSource, StorageAdapter } from './host.js';
import { Lifecycle } from './lifecycle/lifecycle.js';
import { MiddlewareChains } from './middleware/chains.js';
import { HookRegistry } from './middleware/hooks.js';
import { DEFAULT_LIMITS, type IsolationPolicy, type KernelParts, type Limits, type Policy } from './parts.js';
import { grantsOf, PermissionSet } from './permissions/broker.js';
import { manifestOf } from './record.js';
import { createHostPlugins, type HostPlugins } from './registry/host-plugins.js';
import { PluginRegistry } from './registry/plugin-registry.js';
import { memoryStorage } from './storage/memory-storage.js';
import { supervisionOf, type SupervisionOptions } from './supervision/options.js';
import { Supervisor } from './supervision/supervisor.js';
import { explain } from './telemetry/explain.js';
import { type KernelHealth, kernelHealth, pluginHealth } from './telemetry/health.js';
import { Log, type Logger, type LogSink } from './telemetry/logger.js';
import { Metrics, type MetricsSnapshot } from './telemetry/metrics.js';

/** This kernel's version: what `engines.plinth` of a manifest is matched with. */
export const KERNEL_VERSION = '1.0.0';

/** What a kernel is made of. Everything has a default but where plugins come from. */
export interface KernelOptions {
  /** Where guests run; inline guests are always possible. */
  readonly host?: Host | readonly Host[];
  /** Where plugins come from. */
  readonly sources?: readonly PluginSource[];
  /** Where plugins' data is kept; memory when absent. The kernel closes it when it stops. */
  readonly storage?: StorageAdapter;
  readonly config?: ConfigOptions;
  readonly policy?: Policy;
  /** Overrides the isolation that manifests ask for; the only way to let a plugin run inline. */
  readonly isolation?: IsolationPolicy;
  readonly limits?: Partial<Limits>;
  /**
   * Whether plugins that call each other often get a direct channel: after 256 calls within a second, after the number
   * given, or never. Calls over it are counted a little later, and not announced one by one.
   */
  readonly lanes?: boolean | { readonly calls: number };
  /** What happens to guests that crash, hang or stay silent; false leaves them as they are. */
  readonly supervision?: boolean | SupervisionOptions;
  /** Middleware of the host, outermost first. */
  readonly middleware?: readonly { readonly target: string; readonly use: (call: MiddlewareCall, next: Next) => unknown; readonly name?: string }[];
  /** Takes every log entry. */
  readonly telemetry?: { readonly log?: LogSink };
}

/** A kernel: plugins, and everything they and the host say to each other. */
export interface Kernel extends AsyncDisposable {
  readonly version: string;
  readonly plugins: HostPlugins;
  readonly commands: HostCommands;
  readonly events: HostEvents;
  readonly hooks: HostHooks;
  readonly middleware: HostMiddleware;
  readonly config: HostConfig;
  readonly permissions: {
    /** Whether a plugin may do something. */
    check(plugin: string, permission: PermissionName, scope?: string): boolean;
    /** Everything a plugin was given. */
    list(plugin: string): Permissions;
  };
  readonly logger: Logger;
  readonly metrics: { snapshot(): MetricsSnapshot };
  /** A typed client of a contract. */
  client<C extends AnyContract>(contract: C): Client<C, HostCallOptions>;
  /** Answers a contract as the host. */
  provide<C extends AnyContract>(contract: C, handlers: Handlers<C>): HostRegistration;
  /** Discovers, validates, resolves, and activates what asks for `startup`. A bad plugin is recorded, never thrown. */
  start(): Promise<void>;
  /** Stops every plugin, the latest first, and releases everything. Idempotent. */
  stop(): Promise<void>;
  health(): Promise<KernelHealth>;
}

/**
 * Makes a kernel from explicit parts. `@plinth/host-node` and `@plinth/host-browser` export the same function with the
 * defaults of their runtime.
 *
 * @throws PluginConfigurationError `kernel/invalid-option`, `config/invalid`.
 * @example
 * const kernel = await createKernel({ sources: [packageSource([{ manifest, code }])], isolation: 'inline' });
 * await kernel.start();
 */
export async function createKernel(options: KernelOptions = {}): Promise<Kernel> {
  checkOptions(options);
  const started = Date.now();
  const log = new Log(options.telemetry?.log === undefined ? [] : [options.telemetry.log], DEFAULT_TENANT);
  const metrics = new Metrics();
  const deadlines = new Deadlines();
  const registry = new PluginRegistry();
  const bus = new EventBus((error, topic) => log.write('kernel', 'error', `a listener of ${topic} threw: ${messageOf(error)}`));
  const announce = <T extends keyof KernelEvents>(topic: T, payload: KernelEvents[T]) => {
    if (bus.hears(topic)) bus.emit({ topic, payload, source: 'kernel', tenant: DEFAULT_TENANT });
  };
  log.addSink((entry) => announce('log:written', entry));
  const turn = new Turn();
  const calls = createCallServices(deadlines, turn, metrics, bus, log);
  const chains = new MiddlewareChains(metrics, (owner) => registry.rank(owner));
  const commands = new CommandRegistry({
    ...calls,
    chains,
    metrics,
    activateFor: (id) => activateFor(id),
    unknown: (id) => unknownCommand(id),
  });
  const lanes = new Lanes({
    metrics,
    threshold: lanesAfter(options.lanes),
    now: () => turn.now(),
    entries: () => commands.all(),
    watched: (id) => chains.of('command', id) !== undefined || bus.hears('call:settled'),
    announce,
  });
  chains.onChange = () => lanes.review();
  const hooks = new HookRegistry(
    calls,
    (owner) => registry.rank(owner),
    (hook, owner, error) => log.write('kernel', 'warn', messageOf(error), { hook, plugin: owner }),
  );
  const manifest = (id: string) => {
    const record = registry.get(id);
    return record === undefined ? undefined : manifestOf(record);
  };
  const config = new ConfigStore(options.config ?? {}, manifest);
  const hosts = [...(options.host === undefined ? [] : [options.host].flat()), inlineHost()] as readonly Host[];
  const supervisor = new Supervisor({
    options: supervisionOf(options.supervision),
    log,
    hookTimeout: { ...DEFAULT_LIMITS, ...options.limits }.hook,
    announce,
    restart: (id, snapshot) => lifecycle.restart(id, snapshot),
  });
  const parts: KernelParts = {
    tenant: DEFAULT_TENANT,
    version: KERNEL_VERSION,
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    policy: options.policy ?? {},
    isolation: options.isolation,
    hosts,
    commands,
    hooks,
    chains,
    lanes,
    bus,
    storage: options.storage ?? memoryStorage(),
    config,
    log,
    metrics,
    deadlines,
    turn,
    calls,
    supervisor,
    onDenied: (plugin, permission, scope) => announce('permission:denied', { plugin, permission, scope }),
    announce,
    publish: createPublisher({ bus, chains, metrics, calls, tenant: DEFAULT_TENANT }),
    defer: hosts.find((host) => host.defer !== undefined)?.defer ?? ((task) => setTimeout(task, 0)),
  };
  const lifecycle = new Lifecycle(registry, parts);
  const manifests = () => registry.all().flatMap((record) => manifestOf(record) ?? []);

  async function activateFor(commandId: string): Promise<boolean> {
    const owner = commandId.slice(0, Math.max(0, commandId.indexOf(':')));
    const record = registry.get(owner);
    const known = record === undefined ? undefined : manifestOf(record);
    // One that is on its way back answers when it is there.
    const comeback = supervisor.comeback(owner);
    if (comeback !== undefined) {
      await comeback;
      return commands.has(commandId);
    }
    if (record?.state !== 'resolved' || known === undefined) return false;
    const declared = known.activation.includes(`command:${commandId}`) || known.contributes.commands?.some((command) => `${owner}:${command.id}` === commandId);
    if (!declared) return false;
    await lifecycle.activate(owner, `command:${commandId}`);
    return true;
  }

  function unknownCommand(id: string): Error {
    const owner = id.slice(0, Math.max(0, id.indexOf(':')));
    const record = registry.get(owner);
    if (record === undefined || record.state === 'active') {
      const hint = didYouMean(
        id,
        commands.all().map((entry) => entry.id),
        [],
      );
      return createError('call/unknown-command', `nobody answers ${id}${hint}`, { ...(record !== undefined && { plugin: owner }), details: { command: id } });
    }
    return createError('plugin/unavailable', `nobody answers ${id}: ${explain(owner, record, supervisor.quarantine(owner)).because}`, {
      plugin: owner,
      details: { command: id, state: record.state },
    });
  }

  const host = createHostCommands(commands, hooks, metrics, manifests);
  const middleware = createHostMiddleware(chains);
  for (const { target, use, name } of options.middleware ?? []) middleware.use(target, use, name === undefined ? {} : { name });
  const permissionsOf = (id: string) => new PermissionSet(id, grantsOf(requireManifest(id), parts.policy.permissions), metrics, () => {});
  function requireManifest(id: string): Manifest {
    const known = manifest(id);
    if (known === undefined) throw createError('plugin/not-found', `no plugin '${id}' is installed`, { plugin: id });
    return known;
  }

  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;
  const start = async () => {
    if (stopping !== undefined) throw createError('kernel/stopped', 'the kernel has stopped: make a new one');
    await lifecycle.discover(options.sources ?? []);
    await lifecycle.activateAll('startup');
    for (const one of hosts) one.prepare?.();
    const records = registry.all();
    const count = (state: string) => records.filter((record) => record.state === state).length;
    announce('kernel:started', { plugins: records.length, active: count('active'), failed: count('failed') });
  };
  const stop = async () => {
    supervisor.close();
    await starting?.catch(() => {});
    await lifecycle.stop();
    await Promise.allSettled([parts.storage.close(), ...hosts.map((one) => one.close?.())]);
    announce('kernel:stopped', {});
    deadlines.close();
    bus.close();
  };
  const kernel: Kernel = {
    version: KERNEL_VERSION,
    plugins: createHostPlugins(registry, lifecycle, supervisor, parts.limits.hook),
    commands: host.commands,
    events: createHostEvents(bus, parts.publish, log),
    hooks: createHostHooks(hooks),
    middleware,
    config: createHostConfig(config, lifecycle, requireManifest, announce),
    permissions: {
      check: (plugin, permission, scope = '') => permissionsOf(plugin).check(permission, scope),
      list: (plugin) => permissionsOf(plugin).grants,
    },
    logger: log.logger('host'),
    metrics: { snapshot: () => metrics.snapshot() },
    client: host.client,
    provide: host.provide,
    start() {
      starting ??= start();
      return starting;
    },
    stop() {
      stopping ??= stop();
      return stopping;
    },
    async health() {
      const plugins = await Promise.all(registry.all().map((record) => pluginHealth(record, parts.limits.hook)));
      return kernelHealth(plugins, lifecycle.sourceProblems, Date.now() - started);
    },
    [ASYNC_DISPOSE]: () => kernel.stop(),
  };
  return kernel;
}

function createCallServices(deadlines: Deadlines, turn: Turn, metrics: Metrics, bus: EventBus, log: Log): CallServices {
  let last = 0;
  let revision = -1;
  let heard = false;
  return {
    tenant: DEFAULT_TENANT,
    prefix: crypto.randomUUID().slice(0, 8),
    deadlines,
    turn,
    report: (what, error) => log.write('kernel', 'error', `${what}: ${messageOf(error)}`),
    next: () => ++last,
    settled(call, ok, value, took) {
      metrics.calls += 1;
      if (!ok) metrics.failures += 1;
      call.target.counter?.settle(ok, took);
      if (bus.revision !== revision) {
        revision = bus.revision;
        heard = bus.hears('call:settled');
      }
      if (!heard) return;
      const code = ok ? undefined : (value as { code?: unknown } | null)?.code;
      const payload = { command: call.id, caller: call.caller.id, requestId: call.requestId, ok, took, ...(typeof code === 'string' && { code }) };
      bus.emit({ topic: 'call:settled', payload, source: 'kernel', tenant: DEFAULT_TENANT });
    },
  };
}

const OPTIONS: Readonly<Record<keyof KernelOptions, true>> = {
  host: true,
  sources: true,
  storage: true,
  config: true,
  policy: true,
  isolation: true,
  limits: true,
  lanes: true,
  supervision: true,
  middleware: true,
  telemetry: true,
};

/** Calls within a second after which a pair of plugins gets a lane. */
const LANE_CALLS = 256;

function lanesAfter(option: KernelOptions['lanes']): number {
  if (typeof option === 'object') return option.calls;
  return option === false ? Number.POSITIVE_INFINITY : LANE_CALLS;
}

function checkOptions(options: KernelOptions): void {
  for (const key of Object.keys(options)) {
    if (!Object.hasOwn(OPTIONS, key))
      throw createError('kernel/invalid-option', `createKernel has no option '${key}'${didYouMean(key, Object.keys(OPTIONS), Object.keys(options))}`, { details: { option: key } });
  }
  const { lanes = true } = options;
  const calls = typeof lanes === 'boolean' ? 1 : (lanes as { readonly calls: number } | null)?.calls;
  if (!Number.isSafeInteger(calls) || (calls as number) < 1)
    throw createError('kernel/invalid-option', `'lanes.calls' must be a whole number above 0, not ${String(calls)}`, { details: { option: 'lanes.calls' } });
  for (const [key, value] of Object.entries(options.limits ?? {})) {
    if (!Object.hasOwn(DEFAULT_LIMITS, key))
      throw createError('kernel/invalid-option', `'limits.${key}' is not a limit${didYouMean(key, Object.keys(DEFAULT_LIMITS), [])}`, { details: { option: `limits.${key}` } });
    if (typeof value !== 'number' || !(value > 0))
      throw createError('kernel/invalid-option', `'limits.${key}' must be a positive number, not ${String(value)}`, { details: { option: `limits.${key}` } });
  }
}
