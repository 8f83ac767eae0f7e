/**
 * One tenant: its plugins, and everything they and the host say to each other. All that a plugin can touch is made here,
 * once a tenant, and never shared: what tenants have in common is in {@link Shared}, and no plugin sees it. Reading this
 * file shows what there is.
 */
import type { AnyContract, Client, PermissionName, Permissions } from '@plinth/sdk';
import { addressOf, ASYNC_DISPOSE, createError, DEFAULT_TENANT, didYouMean, disposable, isOpen, type Manifest, messageOf, ownerOf, PERMISSION_NAMES } from '@plinth/sdk/contract';
import type { Deadlines, Turn } from '@plinth/sdk/rpc';
import { AuditLog, type HostAudit } from './audit/audit-log.js';
import type { HostCallOptions } from './commands/call-options.js';
import { createCallServices } from './commands/call-services.js';
import type { ClientOptions } from './commands/client.js';
import { CommandRegistry } from './commands/command-registry.js';
import { leadsTo, type Route } from './commands/route.js';
import type { HostHandlers } from './commands/host-call.js';
import { HostContracts } from './commands/host-contracts.js';
import { createHostCommands, type HostCommands, type HostRegistration } from './commands/host-commands.js';
import { ConfigChanges } from './config/config-changes.js';
import { ConfigStore } from './config/config-store.js';
import { createHostConfig, type HostConfig } from './config/host-config.js';
import { EventBus } from './events/event-bus.js';
import { createHostEvents, createHostHooks, createHostMiddleware, type HostEvents, type HostHooks, type HostMiddleware } from './events/host-events.js';
import type { KernelEvents } from './events/kernel-events.js';
import { createPublisher } from './events/publisher.js';
import { Lanes } from './guests/lanes.js';
import type { SharedGuests } from './guests/shared-guests.js';
import type { Host, StorageAdapter } from './host.js';
import { KERNEL_VERSION, type KernelOptions } from './kernel-options.js';
import type { CodeCache } from './lifecycle/code-cache.js';
import type { Discovered } from './lifecycle/discover.js';
import { Lifecycle } from './lifecycle/lifecycle.js';
import { createHostMessaging, type HostMessaging, Messaging } from './messaging/messaging.js';
import { MiddlewareChains } from './middleware/chains.js';
import { HookRegistry } from './middleware/hooks.js';
import { DEFAULT_LIMITS, type KernelParts } from './parts.js';
import { PermissionSet } from './permissions/broker.js';
import { type GrantOptions, Grants } from './permissions/grants.js';
import { Trust } from './permissions/trust.js';
import { type PermissionHandler, PermissionRequests } from './permissions/requests.js';
import { isAsleep, manifestOf, type PluginRecord, versionOf } from './record.js';
import { createHostPlugins, type HostPlugins } from './registry/host-plugins.js';
import { Installer } from './registry/installer.js';
import { PluginRegistry } from './registry/plugin-registry.js';
import { RegistryStore } from './registry/registry-store.js';
import { Guards } from './resilience/guards.js';
import { Redaction } from './secrets/redaction.js';
import { type HostSecrets, Secrets } from './secrets/secrets.js';
import { Container, type HostServices } from './services/container.js';
import { Hibernation } from './supervision/hibernation.js';
import { StorageBudget } from './storage/storage-budget.js';
import { ResourceWatch } from './supervision/resource-watch.js';
import { supervisionOf } from './supervision/options.js';
import { Supervisor } from './supervision/supervisor.js';
import { explain } from './telemetry/explain.js';
import { type KernelHealth, kernelHealth, pluginHealth } from './telemetry/health.js';
import { Log, type Logger } from './telemetry/logger.js';
import { Metrics, type MetricsSnapshot } from './telemetry/metrics.js';

/** Plugins, and everything they and the host say to each other. */
export interface TenantKernel extends AsyncDisposable {
  readonly version: string;
  /** Whose plugins these are; `tenant-0` unless the application serves several. */
  readonly id: string;
  readonly plugins: HostPlugins;
  readonly commands: HostCommands;
  readonly events: HostEvents;
  readonly hooks: HostHooks;
  readonly middleware: HostMiddleware;
  readonly messaging: HostMessaging;
  readonly config: HostConfig;
  /** What plugins are given and nobody else sees. */
  readonly secrets: HostSecrets;
  /** What the application wires for itself: services by token, with lifetimes. */
  readonly services: HostServices;
  readonly permissions: {
    /**
     * Whether a plugin may do something.
     *
     * @throws PluginValidationError `permission/invalid` for what is no permission.
     */
    check(plugin: string, permission: PermissionName, scope?: string): boolean;
    /** Everything a plugin was given. */
    list(plugin: string): Permissions;
    /**
     * Gives a plugin a right beyond what its manifest asks, or gives back what was revoked; holds from its next message on, and for so
     * many milliseconds when that is said. Every scope when none is given.
     *
     * @throws PluginPermissionError `permission/denied` when policy doesn't allow it, PluginValidationError `permission/invalid`.
     */
    grant(plugin: string, permission: PermissionName, scope?: string, options?: GrantOptions): Promise<void>;
    /** Takes a right away: from its next message on, and what was opened under it is closed. */
    revoke(plugin: string, permission: PermissionName, scope?: string): Promise<void>;
    /**
     * Decides what plugins ask for beyond what they have: yes, no, or `{ for }` so many milliseconds at most. Without a handler the answer
     * is no. The last handler counts.
     */
    onRequest(handler: PermissionHandler): HostRegistration;
  };
  /** What was decided about plugins, and what they tried: hash-chained and kept. */
  readonly audit: HostAudit;
  readonly logger: Logger;
  readonly metrics: { snapshot(): MetricsSnapshot };
  /**
   * A typed client of a contract.
   *
   * @throws PluginValidationError `call/invalid-option` when `version` is not a range.
   */
  client<C extends AnyContract>(contract: C, options?: ClientOptions): Client<C, HostCallOptions>;
  /** Answers a contract as the host. Disposing the answer takes it back: plugins that can't do without it pause. */
  provide<C extends AnyContract>(contract: C, handlers: HostHandlers<C>): HostRegistration;
  /** Discovers, validates, resolves, and activates what asks for `startup`. A bad plugin is recorded, never thrown. */
  start(): Promise<void>;
  /** Stops every plugin, the latest first, and releases everything. Idempotent. */
  stop(): Promise<void>;
  health(): Promise<KernelHealth>;
}

/** What all tenants of a kernel have in common. */
export interface Shared {
  readonly options: KernelOptions;
  readonly hosts: readonly Host[];
  readonly storage: StorageAdapter;
  readonly deadlines: Deadlines;
  /** When the links of this kernel flush. */
  readonly turn: Turn;
  readonly code: CodeCache;
  readonly guests: SharedGuests;
  /** What the sources have, found once. */
  packages(): Promise<Discovered>;
}

/**
 * Makes one tenant of a kernel. It ends nothing that is shared.
 *
 * @param before what has to be over before it opens: the tenant of the same id that stops.
 */
export function createTenant(shared: Shared, tenant: string, before?: Promise<void>): TenantKernel {
  const { options, hosts, storage, deadlines, turn } = shared;
  const created = performance.now();
  const redaction = new Redaction();
  const log = new Log(options.telemetry?.log === undefined ? [] : [options.telemetry.log], tenant, redaction);
  const metrics = new Metrics();
  const registry = new PluginRegistry();
  const bus = new EventBus((error, topic) => log.write('kernel', 'error', `a listener of ${topic} threw: ${messageOf(error)}`));
  const announce = <T extends keyof KernelEvents>(topic: T, payload: KernelEvents[T]) => {
    if (bus.hears(topic)) bus.emit({ topic, payload: redaction.value(payload), source: 'kernel', tenant });
  };
  log.addSink((entry) => announce('log:written', entry));
  const services = new Container();
  for (const [token, spec] of Object.entries(options.services ?? {})) services.provide(token, spec);
  const calls = createCallServices({ tenant, deadlines, turn, metrics, bus, log, createScope: () => services.createScope() });
  const chains = new MiddlewareChains(metrics, (owner) => registry.rank(owner));
  const deprecations = new Set<string>();
  const commands = new CommandRegistry({
    ...calls,
    chains,
    metrics,
    guards: new Guards(options.resilience, announce),
    activateFor,
    rank: (owner) => registry.rank(owner),
    outranked,
    unknown: unknownCommand,
    deprecated({ owner, version = '', id: command }, caller) {
      const message = installer.deprecation(owner, version);
      const once = `${caller.id} ${owner}@${version} ${command} ${message}`;
      if (message === undefined || deprecations.has(once)) return;
      deprecations.add(once);
      log.write('kernel', 'warn', `${caller.id} calls ${command} of ${owner} ${version}, which is deprecated: ${message}`, { plugin: owner, caller: caller.id });
      announce('call:deprecated', { command, version, caller: caller.id, message });
    },
  });
  const lanes = new Lanes({
    metrics,
    threshold: lanesAfter(options.lanes),
    now: () => turn.now(),
    entries: () => commands.all(),
    watched: (id) =>
      chains.of('command', id) !== undefined || commands.get(id)?.guarded !== undefined || bus.hears('call:settled') || commands.isSpecial(ownerOf(id)) || isOpen(id),
    mayBypass: (provider) => grants.isLeaf(provider),
    announce,
  });
  chains.onChange = () => lanes.review();
  const hooks = new HookRegistry(
    calls,
    (owner) => registry.rank(owner),
    (hook, owner, error) => log.write('kernel', 'warn', messageOf(error), { hook, plugin: owner }),
  );
  const manifest = (id: string) => {
    const record = registry.find(id);
    return record === undefined ? undefined : manifestOf(record);
  };
  const manifests = () => registry.all().flatMap((record) => manifestOf(record) ?? []);
  const config = new ConfigStore(options.config ?? {}, manifest);
  const grants = new Grants({ policy: options.policy?.permissions, chain: options.policy?.chain, storage, tenant, log, announce });
  const requests = new PermissionRequests(grants, log, announce);
  const trust = new Trust({ policy: options.policy ?? {}, storage, tenant, announce });
  const audit = new AuditLog({ bus, storage, tenant, log });
  const secrets = new Secrets({ options: options.secrets, storage, tenant, redaction });
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const supervisor = new Supervisor({
    options: supervisionOf(options.supervision),
    log,
    hookTimeout: limits.hook,
    announce,
    restart: (key, snapshot) => lifecycle.restart(key, snapshot),
    givenUp: (key) => void lifecycle.givenUp(key),
  });
  const resources = new ResourceWatch({
    policy: options.policy?.resources,
    log,
    announce,
    suspend: (guest, blame) => lifecycle.suspendOver(guest, blame),
    resume: (guest) => lifecycle.resumeOver(guest),
  });
  const messaging = new Messaging({ commands, hooks, log, activationOf: (plugin) => lifecycle.activationOf(plugin) });
  const hostContracts = new HostContracts();
  const parts: KernelParts = {
    messaging,
    tenant,
    version: KERNEL_VERSION,
    limits,
    policy: options.policy ?? {},
    isolation: options.isolation,
    hosts,
    commands,
    hostContracts,
    hooks,
    chains,
    lanes,
    bus,
    storage,
    config,
    manifests,
    grants,
    trust,
    files: hosts.find((host) => host.files !== undefined)?.files,
    environment: hosts.find((host) => host.environment !== undefined)?.environment,
    send: hosts.find((host) => host.send !== undefined)?.send,
    requestPermission: (wish) => requests.ask(wish),
    secrets,
    redaction,
    log,
    metrics,
    deadlines,
    turn,
    calls,
    supervisor,
    resources,
    storageBudget: new StorageBudget(storage, tenant, resources.tenant.storage),
    code: shared.code,
    shared: shared.guests,
    onDenied: (plugin, permission, scope) => announce('permission:denied', { plugin, permission, scope }),
    announce,
    publish: createPublisher({ bus, chains, metrics, calls, tenant }),
    defer: hosts.find((host) => host.defer !== undefined)?.defer ?? ((task) => setTimeout(task, 0)),
  };
  const lifecycle = new Lifecycle(registry, parts);
  // A moment later: what the host only replaces was never gone.
  hostContracts.onChange = (base) => void Promise.resolve().then(() => lifecycle.hostChanged(base));
  // A storage is everybody's, and so is what was damaged in it: the application hears of it once.
  if (tenant === DEFAULT_TENANT) storage.onCorrupt?.((problem) => lifecycle.report(problem));
  const installer = new Installer({
    registry,
    lifecycle,
    store: new RegistryStore(storage, tenant, (problem) => lifecycle.report(problem)),
    parts,
    consent: (question) => requests.consent(question),
  });
  const configChanges = new ConfigChanges({
    store: config,
    options: options.config ?? {},
    storage,
    tenant,
    log,
    announce,
    manifests: (id) => registry.versions(id).flatMap((record) => manifestOf(record) ?? []),
    reconfigure: (id, taken, only) => lifecycle.reconfigure(id, taken, only),
  });
  const hibernation = new Hibernation(options.hibernation, { registry, lifecycle, lanes, log });

  let opened: Promise<void> | undefined;
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;
  /** Whether every plugin has ended: until then the host may still ask them. */
  let stopped = false;
  const hasStopped = () => createError('kernel/stopped', 'the kernel has stopped: make a new one');
  const checkRunning = () => {
    if (stopped) throw hasStopped();
  };
  /** Whether plugins that ask for `startup` are being started: some of them may wait for their turn. */
  let startup = false;
  const open = async () => {
    await before;
    const { packages, problems } = await shared.packages();
    for (const problem of problems) lifecycle.report(problem);
    await configChanges.open();
    await grants.open();
    await installer.open(packages);
  };

  /** Whether a plugin is about to be started, because the tenant is. */
  function comes(record: PluginRecord): boolean {
    return startup && record.state === 'resolved' && record.manifest.activation.includes('startup');
  }

  /** Whether a command wakes a plugin: one that sleeps, starts already, or has not been started and declares the command. */
  function wakes(record: PluginRecord, commandId: string): boolean {
    if (isAsleep(record)) return true;
    if (!lifecycle.isEnabled(record.key)) return false;
    if (lifecycle.isStarting(record.key) || comes(record)) return true;
    const known = manifestOf(record) as Manifest;
    const declared = known.activation.includes(`command:${commandId}`) || known.contributes.commands?.some((command) => `${record.id}:${command.id}` === commandId);
    return record.state === 'resolved' && (declared === true || isOpen(commandId));
  }

  function suits({ id, version, manifest: { provides } }: { readonly id: string; readonly version: string; readonly manifest: Manifest }, route: Route | undefined): boolean {
    return route === undefined || leadsTo(route, { owner: id, version, ...(provides && { provides }) });
  }

  /** Every version of a plugin that a route leads to, the best first. */
  function versionsOn(owner: string, route: Route | undefined): readonly PluginRecord[] {
    return registry.versions(owner).filter((record) => {
      const known = manifestOf(record) as Manifest;
      return suits({ id: owner, version: known.version, manifest: known }, route);
    });
  }

  /** Who may answer a command, the best first. */
  function answering(commandId: string, route: Route | undefined): readonly PluginRecord[] {
    const { id, provider } = addressOf(commandId);
    const owner = ownerOf(id);
    if (!isOpen(owner)) return provider === undefined || provider === owner ? versionsOn(owner, route) : [];
    const offers = (record: PluginRecord) => manifestOf(record)?.provides?.some((contract) => contract.startsWith(`${owner}@`)) === true;
    return (provider === undefined ? registry.all() : registry.versions(provider)).filter(offers);
  }

  /** Wakes the plugin that answers a command. */
  async function activateFor(commandId: string, route: Route | undefined): Promise<boolean> {
    await opened;
    for (const record of answering(commandId, route)) {
      // One that is on its way back answers when it is there.
      const comeback = supervisor.comeback(record.key);
      if (comeback !== undefined) {
        await comeback;
        if (commands.answers(commandId)) return true;
        // Somebody has taken it up by name meanwhile.
      }
      if (!wakes(record, commandId)) continue;
      await lifecycle.activate(record.key, comes(record) ? 'startup' : `command:${commandId}`);
      return true;
    }
    return false;
  }

  function outranked({ id, owner, version }: { readonly id: string; readonly owner: string; readonly version?: string | undefined }, route: Route | undefined): boolean {
    for (const record of versionsOn(owner, route)) {
      if (versionOf(record) === version) return false;
      if (wakes(record, id) || supervisor.comeback(record.key) !== undefined) return true;
    }
    return false;
  }

  function unknownCommand(id: string, route: Route | undefined): Error {
    const owner = ownerOf(id);
    const versions = registry.versions(owner);
    if (versions.length > 0 && route !== undefined && versionsOn(owner, route).length === 0) {
      const wanted = route.range === undefined ? (route.contract ?? owner) : `${owner}@${route.range}`;
      const found = versions.map((one) => `${owner}@${versionOf(one)}`);
      return createError('plugin/unsatisfied', `nobody answers ${id} as ${wanted} does: found ${found.join(', ')}`, { plugin: owner, details: { command: id, wanted, found } });
    }
    const record = versionsOn(owner, route)[0] ?? registry.find(owner);
    if (record === undefined || record.state === 'active') {
      const near = didYouMean(
        id,
        commands.all().map((entry) => entry.id),
        [],
      );
      const hint = starting === undefined ? ': the kernel has not been started' : near || record === undefined ? near : `: ${owner} is active and has not registered it`;
      return createError('call/unknown-command', `nobody answers ${id}${hint}`, { ...(record !== undefined && { plugin: owner }), details: { command: id } });
    }
    if (stopping !== undefined) return hasStopped();
    const circumstances = { quarantine: supervisor.quarantine(record.key), enabled: lifecycle.isEnabled(record.key), blame: lifecycle.blameFor(record.key) };
    return createError('plugin/unavailable', `nobody answers ${id}: ${explain(owner, record, circumstances).because}`, {
      plugin: owner,
      details: { command: id, state: record.state },
    });
  }

  const host = createHostCommands(commands, hooks, hostContracts, metrics, manifests, checkRunning);
  const middleware = createHostMiddleware(chains);
  for (const { target, use, ...place } of options.middleware ?? []) middleware.use(target, use, place);
  const permissionsOf = (id: string) => new PermissionSet(id, grants.of(requireManifest(id)), metrics, () => {}, grants.denied(id));
  function requireManifest(id: string): Manifest {
    const known = manifest(id);
    if (known === undefined) throw createError('plugin/not-found', `no plugin '${id}' is installed`, { plugin: id });
    return known;
  }
  /** The same, for whoever asks while it isn't known yet who is there. */
  async function awaitManifest(id: string): Promise<Manifest> {
    await opened;
    return requireManifest(id);
  }

  const healthOf = (record: PluginRecord) => pluginHealth(record, limits.hook, redaction);
  const start = async () => {
    opened ??= open();
    await opened;
    startup = true;
    await lifecycle.activateAll('startup');
    startup = false;
    installer.started();
    hibernation.start();
    const records = registry.all();
    const count = (state: string) => records.filter((record) => record.state === state).length;
    announce('kernel:started', { plugins: records.length, active: count('active'), failed: count('failed') });
  };
  const stop = async () => {
    supervisor.close();
    resources.close();
    hibernation.close();
    await starting?.catch(() => {});
    await configChanges.close();
    await grants.close();
    await installer.close();
    await lifecycle.stop();
    stopped = true;
    await services.close().catch((error: unknown) => log.write('kernel', 'error', messageOf(error)));
    announce('kernel:stopped', {});
    await audit.close();
    bus.close();
  };
  const kernel: TenantKernel = {
    version: KERNEL_VERSION,
    id: tenant,
    plugins: createHostPlugins({ registry, lifecycle, installer, supervisor, health: healthOf, opened: () => opened }),
    commands: host.commands,
    events: createHostEvents(bus, parts.publish, log, checkRunning),
    hooks: createHostHooks(hooks, metrics, log, checkRunning),
    middleware,
    messaging: createHostMessaging(messaging, commands, checkRunning),
    services,
    secrets: { set: (plugin, name, value) => secrets.set(plugin, name, value), delete: (plugin, name) => secrets.delete(plugin, name), names: (plugin) => secrets.names(plugin) },
    config: createHostConfig(config, configChanges, requireManifest, awaitManifest),
    permissions: {
      check(plugin, permission, scope = '') {
        const given = permissionsOf(plugin);
        if (!PERMISSION_NAMES.includes(permission)) throw createError('permission/invalid', `'${String(permission).slice(0, 64)}' is not a permission`, { plugin });
        return given.check(permission, scope);
      },
      list: (plugin) => permissionsOf(plugin).grants,
      grant: async (plugin, permission, scope = '*', options) => grants.grant(manifest(plugin) ?? (await awaitManifest(plugin)), permission, scope, options),
      revoke: async (plugin, permission, scope = '*') => grants.revoke((manifest(plugin) ?? (await awaitManifest(plugin))).id, permission, scope),
      onRequest(handler) {
        requests.handler = handler;
        return disposable(() => {
          if (requests.handler === handler) requests.handler = undefined;
        });
      },
    },
    audit,
    logger: log.logger('host'),
    metrics: { snapshot: () => metrics.snapshot() },
    client: host.client,
    provide: host.provide,
    async start() {
      if (stopping !== undefined) throw hasStopped();
      starting ??= start();
      return starting;
    },
    stop() {
      stopping ??= stop();
      return stopping;
    },
    async health() {
      const plugins = await Promise.all(registry.all().map(healthOf));
      return kernelHealth(plugins, lifecycle.problems, performance.now() - created);
    },
    [ASYNC_DISPOSE]: () => kernel.stop(),
  };
  return kernel;
}

/** Calls within a second after which a pair of plugins gets a lane. */
const LANE_CALLS = 256;

function lanesAfter(option: KernelOptions['lanes']): number {
  if (typeof option === 'object') return option.calls;
  return option === false ? Number.POSITIVE_INFINITY : LANE_CALLS;
}
