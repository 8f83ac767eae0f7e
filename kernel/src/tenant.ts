/**
 * One tenant: its plugins, and everything that they and the host exchange. Everything that a plugin
 * can reach is made here, once for each tenant, and never shared. What tenants have in common is in
 * {@link Shared}, which no plugin sees. This file shows all parts of a tenant.
 */
import type { AnyContract, Client, PermissionName, Permissions } from '@plinth/sdk';
import {
  ASYNC_DISPOSE,
  addressOf,
  createError,
  DEFAULT_TENANT,
  disposable,
  ERROR_CODES,
  type ErrorCode,
  type Isolation,
  type Manifest,
  messageOf,
  ownerOf,
  PERMISSION_NAMES,
  type PluginError,
  parseContractId,
} from '@plinth/sdk/contract';
import type { Deadlines, Turn } from '@plinth/sdk/rpc';
import type { HostAudit } from './audit/audit-entry.js';
import type { HostCallOptions } from './commands/call-options.js';
import { createCallServices } from './commands/call-services.js';
import type { ClientOptions } from './commands/client.js';
import { CommandRegistry } from './commands/command-registry.js';
import type { HostHandlers } from './commands/host-call.js';
import { createHostCommands, type HostCommands } from './commands/host-commands.js';
import { HostContracts } from './commands/host-contracts.js';
import type { IsOpen } from './commands/open-contracts.js';
import { leadsTo, type Route } from './commands/route.js';
import { type UnansweredParts, whyUnanswered } from './commands/unanswered.js';
import { ConfigChanges } from './config/config-changes.js';
import { ConfigStore } from './config/config-store.js';
import { createHostConfig, type HostConfig } from './config/host-config.js';
import { EventBus } from './events/event-bus.js';
import {
  createHostEvents,
  createHostHooks,
  type HostEvents,
  type HostHooks,
} from './events/host-events.js';
import { createHostMiddleware, type HostMiddleware } from './events/host-middleware.js';
import type { KernelEvents } from './events/kernel-events.js';
import { createPublisher } from './events/publisher.js';
import { type Contribution, NOT_EXTENDED } from './extension/extending.js';
import type { AnyExtension, AnyFactory, ApiOf } from './extension/statics.js';
import { Lanes } from './guests/lanes.js';
import type { SharedGuests } from './guests/shared-guests.js';
import { abilityOf, type Host, type PluginSource, type StorageAdapter } from './host.js';
import { KERNEL_VERSION, type KernelOptions } from './kernel-options.js';
import { lazily } from './lazily.js';
import type { CodeCache } from './lifecycle/code-cache.js';
import type { Drain, DrainOptions } from './lifecycle/deactivate.js';
import type { Discovered, Discovery } from './lifecycle/discover.js';
import { Lifecycle } from './lifecycle/lifecycle.js';
import { parsedManifest } from './lifecycle/validate.js';
import { MANAGEMENT } from './management/rights.js';
import { createHostMessaging, type HostMessaging } from './messaging/host-messaging.js';
import { AbsentGuards, type GuardCandidate, mayGuard } from './middleware/absent-guards.js';
import { MiddlewareChains } from './middleware/chains.js';
import type { Absence } from './middleware/compose.js';
import { HookRegistry } from './middleware/hooks.js';
import { type KernelParts, limitsOf, valueBounds } from './parts.js';
import { PermissionSet } from './permissions/broker.js';
import { type GrantOptions, Grants } from './permissions/grants.js';
import { type PermissionHandler, PermissionRequests } from './permissions/requests.js';
import { Trust } from './permissions/trust.js';
import { isAsleep, manifestOf, type PluginRecord, versionOf } from './plugin/record.js';
import type { HostRegistration } from './registration.js';
import { createHostPlugins, type HostPlugins, type PluginInfo } from './registry/host-plugins.js';
import { Owners } from './registry/owners.js';
import { type HostStorage, PluginData } from './registry/plugin-data.js';
import { PluginRegistry } from './registry/plugin-registry.js';
import { Guards } from './resilience/guards.js';
import { Redaction } from './secrets/redaction.js';
import { type HostSecrets, Secrets } from './secrets/secrets.js';
import { Container, type HostServices } from './services/container.js';
import type { PackageSnapshots } from './sources/package-snapshots.js';
import { StorageBudget } from './storage/storage-budget.js';
import { supervisionOf } from './supervision/options.js';
import { ResourceWatch } from './supervision/resource-watch.js';
import { Supervisor } from './supervision/supervisor.js';
import { consoleSink } from './telemetry/console-sink.js';
import { type Circumstances, explain } from './telemetry/explain.js';
import { explainDetails } from './telemetry/explain-details.js';
import type { KernelHealth } from './telemetry/health.js';
import { Log, type Logger } from './telemetry/logger.js';
import { Metrics, type MetricsSnapshot } from './telemetry/metrics.js';
import { withOrigin } from './telemetry/origin.js';

/** Plugins, and everything that they and the host exchange. */
export interface TenantKernel extends AsyncDisposable {
  readonly version: string;
  /** The id of the tenant: `tenant-0` unless the application serves several. */
  readonly id: string;
  readonly plugins: HostPlugins;
  readonly commands: HostCommands;
  readonly events: HostEvents;
  readonly hooks: HostHooks;
  readonly middleware: HostMiddleware;
  readonly messaging: HostMessaging;
  readonly config: HostConfig;
  /** What plugins keep, by plugin. It includes plugins that are no longer installed. */
  readonly storage: HostStorage;
  /** Secrets of plugins, which no other plugin can read. */
  readonly secrets: HostSecrets;
  /** The application's own services, by token, with lifetimes. */
  readonly services: HostServices;
  readonly permissions: {
    /**
     * Whether a plugin has a permission.
     *
     * @throws PluginValidationError `permission/invalid` for an unknown permission.
     */
    check(plugin: string, permission: PermissionName, scope?: string): boolean;
    /** All rights of a plugin. */
    list(plugin: string): Permissions;
    /**
     * Grants a plugin a right beyond its manifest, or restores a revoked right. It applies from the
     * plugin's next message on, and ends after the given milliseconds, if any. Without a scope it
     * covers every scope.
     *
     * @throws PluginPermissionError `permission/denied` when policy doesn't allow it,
     * PluginValidationError `permission/invalid`.
     */
    grant(
      plugin: string,
      permission: PermissionName,
      scope?: string,
      options?: GrantOptions,
    ): Promise<void>;
    /** Revokes a right from the plugin's next message on, and closes what was opened under it. */
    revoke(plugin: string, permission: PermissionName, scope?: string): Promise<void>;
    /**
     * Answers requests of plugins for further rights: yes, no, or `{ for }` at most so many
     * milliseconds. Without a handler the answer is no. The last handler counts.
     */
    onRequest(handler: PermissionHandler): HostRegistration;
  };
  /** Decisions about plugins, their attempts, and the application's entries: hash-chained. */
  readonly audit: HostAudit;
  readonly logger: Logger;
  readonly metrics: { snapshot(): MetricsSnapshot };
  /**
   * A typed client of a contract.
   *
   * @throws PluginValidationError `call/invalid-option` when `version` is not a range.
   */
  client<C extends AnyContract>(contract: C, options?: ClientOptions): Client<C, HostCallOptions>;
  /** Provides a contract as the host. Disposing it withdraws it; plugins that require it pause. */
  provide<C extends AnyContract>(contract: C, handlers: HostHandlers<C>): HostRegistration;
  /**
   * The API of an installed extension.
   *
   * @throws PluginConfigurationError `extension/missing` with the line to write.
   * @example kernel.extension(clock).zone;
   */
  extension<F extends AnyFactory>(factory: F): ApiOf<F>;
  /** Plugins that provide a contract, running or not, the best first. */
  providers(contract: AnyContract | string): readonly PluginInfo[];
  /**
   * The contributions of plugins to a point of the application (`createKernel({ contributions })`)
   * or of an extension. This starts no plugin. Plugins that may not run are left out.
   *
   * @throws PluginConfigurationError `kernel/invalid-option` for an unknown point.
   */
  contributions(point: string): readonly Contribution[];
  /** The state of the kernel as plain data. */
  diagnostics(): KernelDiagnostics;
  /** Discovers plugins, and activates those for `startup`. Bad ones are recorded, never thrown. */
  start(): Promise<void>;
  /** Takes no new calls, waits for calls in flight, stops every plugin, the latest first, and releases everything. Idempotent: the `drain` of the first call counts. */
  stop(options?: DrainOptions): Promise<void>;
  health(): Promise<KernelHealth>;
}

/** `kernel.diagnostics()`: plain data. */
export interface KernelDiagnostics {
  readonly version: string;
  readonly tenant: string;
  readonly state: KernelHealth['state'];
  readonly plugins: readonly {
    readonly id: string;
    readonly version?: string;
    readonly state: string;
    readonly enabled: boolean;
  }[];
  /** Each with its powers and its own diagnostics. */
  readonly extensions: readonly Readonly<Record<string, unknown>>[];
}

/** What all tenants of a kernel have in common. */
export interface Shared {
  readonly options: KernelOptions;
  readonly hosts: readonly Host[];
  readonly storage: StorageAdapter;
  /** The problem that keeps the storage from working. */
  storageProblem(): Promise<PluginError | undefined>;
  readonly deadlines: Deadlines;
  /** Decides when the links of this kernel flush. */
  readonly turn: Turn;
  readonly code: CodeCache;
  /** Copies of the packages that run. */
  readonly snapshots: PackageSnapshots;
  readonly guests: SharedGuests;
  /** Which contracts any number of plugins may provide. */
  readonly isOpen: IsOpen;
  /** The code that runs extensions. Absent where there are none. */
  readonly extend: typeof import('./extension/extended-tenant.js') | undefined;
  /** Extensions in their order. */
  readonly extensions: readonly AnyExtension[];
  /** Adds a source. Possible only before discovery has begun. */
  addSource(source: PluginSource): void;
  /** The discovery of all sources, which the first call begins. */
  discovery(): Discovery;
}

/**
 * Makes one tenant of a kernel. It does not end shared parts.
 *
 * @param before what has to finish before this tenant opens: the stop of an earlier tenant with the
 * same id.
 */
export function createTenant(shared: Shared, tenant: string, before?: Promise<void>): TenantKernel {
  const { options, hosts, storage, deadlines, turn } = shared;
  const created = performance.now();
  const redaction = new Redaction();
  const { log: sink = consoleSink } = options.telemetry ?? {};
  const log = new Log(sink === false ? [] : [sink], tenant, redaction);
  const metrics = new Metrics();
  const registry = new PluginRegistry();
  const bus = new EventBus((error, topic) =>
    log.write('kernel', 'error', `a listener of ${topic} threw: ${messageOf(error)}`, {
      topic,
      ...withOrigin(error),
    }),
  );
  const announce = <T extends keyof KernelEvents>(topic: T, payload: KernelEvents[T]) => {
    if (bus.hears(topic))
      bus.emit({ topic, payload: redaction.value(payload), source: 'kernel', tenant });
  };
  log.addSink((entry) => announce('log:written', entry));
  const services = new Container();
  for (const [token, spec] of Object.entries(options.services ?? {})) services.provide(token, spec);
  const limits = limitsOf(options.limits);
  const extended =
    shared.extend &&
    new shared.extend.ExtendedTenant({
      extensions: shared.extensions,
      contributions: options.contributions,
      limits,
      log,
      registry,
      isEnabled: (key) => lifecycle.isEnabled(key),
      trust: (found, known) => trust.level(found, known),
    });
  const extending = extended ?? NOT_EXTENDED;
  const calls = createCallServices({
    tenant,
    bounds: valueBounds(limits),
    deadlines,
    turn,
    metrics,
    bus,
    log,
    createScope: () => services.createScope(),
  });
  const guards = new AbsentGuards({
    isOpening: () => opening,
    candidates: () => registry.all().flatMap((record) => guardOf(record) ?? []),
    rights: (known) =>
      new PermissionSet(known.id, grants.asked(known), metrics, () => {}, grants.denied(known.id)),
    passed: ({ id, absence }, kind, target) => {
      const { state, because } = absence();
      log.write(
        'kernel',
        'warn',
        `${kind} ${target} passes the optional middleware of ${id}: ${because}`,
        { plugin: id },
      );
      announce('middleware:skipped', { plugin: id, target: `${kind}:${target}`, state });
    },
  });
  const chains = new MiddlewareChains(
    metrics,
    (owner) => registry.rank(owner),
    guards,
    extending.around,
  );
  const deprecations = new Set<string>();
  const commands = new CommandRegistry({
    ...calls,
    chains,
    metrics,
    guards: new Guards(options.resilience, announce, options.policy?.commands),
    activateFor,
    rank: (owner) => registry.rank(owner),
    outranked,
    unknown: unknownCommand,
    isOpen: shared.isOpen,
    deprecated({ owner, version = '', id: command }, caller) {
      const message = later.now?.installer.deprecation(owner, version);
      const once = `${caller.id} ${owner}@${version} ${command} ${message}`;
      if (message === undefined || deprecations.has(once)) return;
      deprecations.add(once);
      log.write(
        'kernel',
        'warn',
        `${caller.id} calls ${command} of ${owner} ${version}, which is deprecated: ${message}`,
        { plugin: owner, caller: caller.id },
      );
      announce('call:deprecated', { command, version, caller: caller.id, message });
    },
  });
  const lanes = new Lanes({
    metrics,
    threshold: lanesAfter(options.lanes),
    now: () => turn.now(),
    entries: () => commands.all(),
    watched: (id) =>
      chains.of('command', id) !== undefined ||
      commands.get(id)?.guarded !== undefined ||
      commands.get(id)?.checked === true ||
      bus.hears('call:settled') ||
      commands.isSpecial(ownerOf(id)) ||
      shared.isOpen(id),
    mayBypass: (provider) => grants.isLeaf(provider),
    announce,
  });
  chains.onChange = () => lanes.review();
  if (extended !== undefined) extended.around.onChange = () => chains.forget();
  const hooks = new HookRegistry(
    calls,
    (owner) => registry.rank(owner),
    guards,
    chains,
    (hook, owner, error) =>
      log.write('kernel', 'warn', messageOf(error), { hook, plugin: owner, ...withOrigin(error) }),
  );
  const manifest = (id: string) => {
    const record = registry.find(id);
    return record === undefined ? undefined : manifestOf(record);
  };
  const manifests = () => registry.all().flatMap((record) => manifestOf(record) ?? []);
  const config = new ConfigStore(options.config ?? {}, manifest, () => [
    ...new Set(registry.all().map(({ id }) => id)),
  ]);
  const offers = (isolation: Isolation) =>
    hosts.some((host) => host.isolations.includes(isolation) && host.offers?.(isolation) !== false);
  const trust = new Trust({
    policy: options.policy ?? {},
    limits,
    storage,
    tenant,
    offers,
    announce,
  });
  const owners = new Owners({ storage, tenant, log, publisher: (found) => trust.publisher(found) });
  const grants = new Grants({
    policy: options.policy?.permissions,
    chain: options.policy?.chain,
    trustOf: (one) => trust.of(one),
    storage,
    tenant,
    log,
    announce,
  });
  grants.onChange = (id) => {
    if (registry.versions(id).some((record) => guardManifest(record) !== undefined))
      chains.review();
  };
  const requests = new PermissionRequests(grants, log, announce);
  const secrets = new Secrets({ options: options.secrets, storage, tenant, redaction });
  const debugged = () => hosts.some((host) => host.debugged?.() === true);
  const supervisor = new Supervisor({
    options: supervisionOf(options.supervision),
    log,
    hookTimeout: limits.hook,
    debugged,
    announce,
    restart: (key) => lifecycle.restart(key),
    isToBlame: (key, error) => lifecycle.isToBlame(key, error),
    givenUp: () => lifecycle.givenUp(),
  });
  const resources = new ResourceWatch({
    policy: options.policy?.resources,
    log,
    announce,
    suspend: (guest, blame) => lifecycle.suspendOver(guest, blame),
    resume: (guest) => lifecycle.resumeOver(guest),
  });
  const messaging = lazily(async () => {
    const { Messaging } = await import('./opened.js');
    const activationOf = (plugin: string) => lifecycle.activationOf(plugin);
    return new Messaging({ commands, hooks, log, manifest, activationOf, whyAbsent });
  });
  const hostContracts = new HostContracts();
  for (const base of MANAGEMENT) hostContracts.add(base);
  const parts: KernelParts = {
    messaging,
    extending,
    tenant,
    version: KERNEL_VERSION,
    limits,
    policy: options.policy ?? {},
    isolation: options.isolation,
    hosts,
    commands,
    hostContracts,
    isOpen: shared.isOpen,
    hooks,
    chains,
    lanes,
    bus,
    storage,
    config,
    manifests,
    absenceOf: (id) => absenceOf(id, registry.find(id)),
    grants,
    trust,
    owners,
    files: hosts.find((host) => host.files !== undefined)?.files,
    environment: abilityOf(hosts, 'environment'),
    debugged,
    send: abilityOf(hosts, 'send'),
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
    snapshots: shared.snapshots,
    shared: shared.guests,
    onDenied: (plugin, permission, scope, reason) =>
      announce('permission:denied', {
        plugin,
        permission,
        scope,
        ...(reason !== undefined && { reason }),
      }),
    announce,
    publish: createPublisher({ bus, chains, metrics, calls, tenant, reserved: extending.names }),
    defer: abilityOf(hosts, 'defer') ?? ((task) => setTimeout(task, 0)),
  };
  const lifecycle = new Lifecycle(registry, parts, () => import('./opened.js'));
  registry.onChange = (record) => {
    extending.changed();
    if (guardManifest(record) !== undefined) chains.review();
  };
  // Deferred, so that a contract that the host only replaces is never reported as gone.
  hostContracts.onChange = () => void Promise.resolve().then(() => lifecycle.hostChanged());
  // Tenants share the storage, so only the default tenant reports damaged values.
  if (tenant === DEFAULT_TENANT) storage.onCorrupt?.((problem) => lifecycle.report(problem));
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
  const data = new PluginData({
    registry,
    storage,
    tenant,
    budget: parts.storageBudget,
    secrets,
    grants,
    trust,
    owners,
    config: configChanges,
  });
  const later = lazily(async () => {
    const opened = await import('./opened.js');
    return {
      audit: new opened.AuditLog({ bus, storage, tenant, log }),
      hibernation: new opened.Hibernation(options.hibernation, { registry, lifecycle, lanes, log }),
      installer: new opened.Installer({
        registry,
        lifecycle,
        store: new opened.RegistryStore(storage, tenant, (problem) => lifecycle.report(problem)),
        parts,
        consent: (question) => requests.consent(question),
        data,
      }),
      times: new opened.TimesLog({
        bus,
        storage,
        tenant,
        log,
        ids: () => new Set(manifests().map(({ id }) => id)),
        versions: (id) => registry.versions(id).flatMap((record) => versionOf(record) ?? []),
      }),
    };
  });

  let opened: Promise<void> | undefined;
  /** Whether {@link opened} is in progress, or has failed. */
  let opening = false;
  let starting: Promise<void> | undefined;
  /** Whether {@link start} has succeeded, and the error if it has not. */
  let running = false;
  let startFailed: { readonly error: unknown } | undefined;
  let stopping: Promise<void> | undefined;
  /** Whether new work is refused, and whether every plugin has stopped. */
  let draining = false;
  let stopped = false;
  const hasStopped = () => createError('kernel/stopped', 'the kernel has stopped: make a new one');
  const checkRunning = () => {
    if (stopped) throw hasStopped();
    if (draining)
      throw createError('kernel/stopped', 'the kernel is stopping: it takes no new calls');
  };
  /** How many starts of `startup` plugins are in progress. Some may still wait. */
  let startups = 0;
  /** Whether the first such start has begun. Plugins found later start when they arrive. */
  let begun = false;
  let discovery: Discovery | undefined;
  /** Stops listening for late findings of sources. */
  let looking: (() => void) | undefined;
  /** Settles when all findings so far are processed. */
  let arriving: Promise<void> = Promise.resolve();
  /** How many findings are being processed. */
  let takingIn = 0;
  const open = async () => {
    opening = true;
    const loading = later.get();
    loading.catch(() => {});
    await before;
    await extending.open();
    discovery = shared.discovery();
    await discovery.first;
    // Time-outs of grants that passed meanwhile are recorded.
    const { installer, times } = await loading;
    await configChanges.open();
    await grants.open();
    // Done in one step, so that no finding is missed or processed twice.
    const { packages, problems } = discovery.found;
    looking = discovery.onLate((late) => {
      takingIn += 1;
      arriving = arriving
        .then(() => opened)
        .then(() => takeIn(late))
        .catch((error: unknown) =>
          log.write(
            'kernel',
            'error',
            `what a source has found late could not be taken in: ${messageOf(error)}`,
          ),
        )
        .finally(() => {
          takingIn -= 1;
        });
    });
    for (const problem of problems) lifecycle.report(problem);
    // Reported once. Health shows the problems as long as they last.
    if (tenant === DEFAULT_TENANT) {
      for (const { message } of discovery.pending) log.write('kernel', 'warn', message);
      for (const origin of discovery.empty)
        log.write(
          'kernel',
          'warn',
          `found no plugins in ${origin}: a plugin is a folder or URL with a plugin.json`,
        );
    }
    await installer.open(packages);
    await times.open();
    if (tenant === DEFAULT_TENANT)
      shared.snapshots.sweep(new Set(registry.all().map(({ key }) => key))).catch(() => {});
    opening = false;
    chains.review();
  };

  /** The manifest of a plugin that may guard the actions of others. It includes a plugin that doesn't fit this kernel, but not one that isn't meant to run here. */
  function guardManifest(record: PluginRecord): Manifest | undefined {
    const known =
      manifestOf(record) ??
      (record.state === 'failed' ? parsedManifest(record.package) : undefined);
    if (
      known === undefined ||
      record.state === 'denied' ||
      !(mayGuard(known) || grants.has(known.id))
    )
      return undefined;
    const { details } = (record.state === 'failed' ? record.error : {}) as {
      details?: { runtimes?: unknown };
    };
    return details?.runtimes !== undefined ? undefined : known;
  }

  function guardOf(record: PluginRecord): GuardCandidate | undefined {
    const known = guardManifest(record);
    if (known === undefined || !lifecycle.isEnabled(record.key)) return undefined;
    const { key, state } = record;
    return {
      id: known.id,
      manifest: known,
      present: state === 'active' || state === 'suspended',
      wake(activation) {
        if (state === 'resolved' && !comes(record) && !lifecycle.isStarting(key))
          lifecycle.activate(key, activation).catch(() => {});
      },
      absence: () => absenceOf(known.id, registry.get(key)),
    };
  }

  function absenceOf(id: string, record: PluginRecord | undefined): Absence {
    if (record === undefined)
      return { state: 'unknown', because: `no plugin '${id}' is installed` };
    const circumstances = circumstancesOf(record);
    return {
      state: circumstances.quarantine === undefined ? record.state : 'quarantined',
      because: explain(id, record, circumstances).because,
    };
  }

  /** Processes what a source has found after the kernel has started. */
  async function takeIn({ packages, problems }: Discovered): Promise<void> {
    if (stopping !== undefined) return;
    for (const problem of problems) lifecycle.report(problem);
    if (packages.length === 0) return;
    const { installer, times } = await later.get();
    await installer.admit(packages);
    times.look();
    // Not awaited: callers of start() may wait for these findings.
    if (begun) void startUp();
  }

  async function startUp(): Promise<void> {
    begun = true;
    startups += 1;
    await lifecycle.activateAll('startup');
    startups -= 1;
  }

  /** Reports settings without a plugin as probable mistakes, once all plugins are known. */
  async function unheard(): Promise<void> {
    while (await moreToCome());
    if (stopping === undefined)
      for (const problem of config.problems()) log.write('kernel', 'warn', problem);
  }

  /** Waits for a plugin that a source may still find. */
  async function arrival(id: string): Promise<void> {
    while (registry.find(id) === undefined && (await moreToCome()));
  }

  /** Waits for sources that still search. Resolves to whether there were any. */
  async function moreToCome(): Promise<boolean> {
    if (stopping !== undefined || (takingIn === 0 && discovery?.mayFindMore !== true)) return false;
    if (takingIn === 0) await discovery?.next;
    await arriving;
    return true;
  }

  /** Whether a plugin is about to start, because the tenant starts. */
  function comes(record: PluginRecord): boolean {
    return (
      startups > 0 && record.state === 'resolved' && record.manifest.activation.includes('startup')
    );
  }

  /** Whether a command wakes a plugin: asleep, starting, or not started and declaring it. */
  function wakes(record: PluginRecord, commandId: string): boolean {
    if (isAsleep(record)) return true;
    if (!lifecycle.isEnabled(record.key)) return false;
    if (lifecycle.isStarting(record.key) || comes(record)) return true;
    const known = manifestOf(record) as Manifest;
    const contract = `need:${ownerOf(commandId)}@`;
    const declared =
      known.activation.some((one) => one === `command:${commandId}` || one.startsWith(contract)) ||
      known.contributes.commands?.some((command) => `${record.id}:${command.id}` === commandId);
    return record.state === 'resolved' && (declared === true || shared.isOpen(commandId));
  }

  function suits(
    {
      id,
      version,
      manifest: { provides },
    }: { readonly id: string; readonly version: string; readonly manifest: Manifest },
    route: Route | undefined,
  ): boolean {
    return (
      route === undefined || leadsTo(route, { owner: id, version, ...(provides && { provides }) })
    );
  }

  /** Every version of a plugin that a route leads to, the best first. */
  function versionsOn(owner: string, route: Route | undefined): readonly PluginRecord[] {
    return registry.versions(owner).filter((record) => {
      const known = manifestOf(record) as Manifest;
      return suits({ id: owner, version: known.version, manifest: known }, route);
    });
  }

  /** The plugins that may answer a command, the best first. */
  function answering(commandId: string, route: Route | undefined): readonly PluginRecord[] {
    const { id, provider } = addressOf(commandId);
    const owner = ownerOf(id);
    if (!shared.isOpen(owner))
      return provider === undefined || provider === owner ? versionsOn(owner, route) : [];
    const offers = (record: PluginRecord) => {
      const known = manifestOf(record);
      return (
        known?.provides?.some((contract) => contract.startsWith(`${owner}@`)) === true &&
        grants.mayProvide(known, owner)
      );
    };
    return (provider === undefined ? registry.all() : registry.versions(provider)).filter(offers);
  }

  /** Keys of a contract's providers, best first. Without a version, any version matches. */
  function providersOf(contract: string): readonly string[] {
    const base = parseContractId(contract)?.base ?? contract;
    return registry.all().flatMap((record) => {
      const known = manifestOf(record);
      if (known === undefined || record.state === 'denied') return [];
      const promised = known.provides?.some((one) =>
        contract === base ? one.startsWith(`${base}@`) : one === contract,
      );
      const named = promised ?? (known.id === base && known.provides === undefined);
      const may = known.id === base || grants.mayProvide(known, base);
      return named && may && lifecycle.isEnabled(record.key) ? [record.key] : [];
    });
  }

  /** Answers calls of plugins to the kernel itself. The code is loaded with the first such call. */
  const managing = lazily(async () => {
    const { provideManagement } = await import('./management/providers.js');
    const { installer } = await later.get();
    provideManagement({
      commands,
      metrics,
      grants,
      trust,
      policy: options.policy?.permissions,
      plugins: kernel.plugins,
      installer,
      config: kernel.config,
      hosts,
      version: KERNEL_VERSION,
      tenant,
      uptime: () => performance.now() - created,
      consent: (question) => requests.consent(question),
      announce,
    });
  });

  /** Activates the plugin that answers a command. */
  async function activateFor(commandId: string, route: Route | undefined): Promise<boolean> {
    await opened;
    if (MANAGEMENT.has(ownerOf(commandId))) {
      await managing.get();
      return commands.answers(commandId);
    }
    do {
      for (const record of answering(commandId, route)) {
        // A restart is pending: wait for it, then retry.
        const comeback = supervisor.comeback(record.key);
        if (comeback !== undefined) {
          await comeback;
          if (commands.answers(commandId)) return true;
          // The plugin was started by name meanwhile.
        }
        if (!wakes(record, commandId)) continue;
        await lifecycle.activate(record.key, comes(record) ? 'startup' : `command:${commandId}`);
        return true;
      }
    } while (answering(commandId, route).length === 0 && (await moreToCome()));
    return false;
  }

  function outranked(
    {
      id,
      owner,
      version,
    }: { readonly id: string; readonly owner: string; readonly version?: string | undefined },
    route: Route | undefined,
  ): boolean {
    for (const record of versionsOn(owner, route)) {
      if (versionOf(record) === version) return false;
      if (wakes(record, id) || supervisor.comeback(record.key) !== undefined) return true;
    }
    return false;
  }

  /** Why a plugin that runs no code now takes no messages. Undefined when it runs. */
  function whyAbsent(plugin: string): string | undefined {
    const record = registry.find(plugin);
    if (record === undefined)
      return plugin === 'host' ? undefined : `no plugin '${plugin}' is installed`;
    return record.state === 'active'
      ? undefined
      : explain(plugin, record, circumstancesOf(record)).because;
  }

  /** Facts about a plugin that its record doesn't contain. */
  function circumstancesOf({ key }: PluginRecord): Circumstances {
    return {
      quarantine: supervisor.quarantine(key),
      restart: supervisor.planned(key),
      enabled: lifecycle.isEnabled(key),
      blame: lifecycle.blameFor(key),
    };
  }

  function unknownCommand(id: string, route: Route | undefined): Error {
    const error = whyUnanswered(id, route, unanswered);
    return stopping !== undefined && error.code === 'plugin/unavailable' ? hasStopped() : error;
  }
  const unanswered: UnansweredParts = {
    registry,
    ids: () => commands.all().map((entry) => entry.id),
    answering,
    mayNot: (known, contract) =>
      grants.mayProvide(known, contract)
        ? undefined
        : `${known.id} may not: ${grants.why(known, 'contracts.provide', contract).because}`,
    because: (record) => explain(record.id, record, circumstancesOf(record)).because,
    hasStarted: () => starting !== undefined,
    isOpen: shared.isOpen,
  };

  const host = createHostCommands(commands, hooks, hostContracts, metrics, manifests, checkRunning);
  const middleware = createHostMiddleware(chains);
  for (const { target, use, ...place } of options.middleware ?? [])
    middleware.use(target, use, place);
  const permissionsOf = (id: string) =>
    new PermissionSet(id, grants.of(requireManifest(id)), metrics, () => {}, grants.denied(id));
  function requireManifest(id: string): Manifest {
    const known = manifest(id);
    if (known === undefined)
      throw createError('plugin/not-found', `no plugin '${id}' is installed`, { plugin: id });
    return known;
  }
  /** The same, but waits until all plugins are known. */
  async function awaitManifest(id: string): Promise<Manifest> {
    await opened;
    await arrival(id);
    return requireManifest(id);
  }

  const healthOf = async (record: PluginRecord) => {
    const { pluginHealth } = await import('./opened.js');
    return pluginHealth(record, limits.hook, redaction, circumstancesOf(record));
  };
  /** The problem that keeps the tenant itself from working. */
  const ownProblem = (): PluginError | undefined => {
    if (stopping !== undefined)
      return createError('kernel/stopped', 'the kernel has stopped: make a new one');
    if (starting === undefined)
      return createError('kernel/stopped', 'the kernel has not been started: call start()');
    if (startFailed === undefined) return undefined;
    const { code } = startFailed.error as Partial<PluginError>;
    const known =
      typeof code === 'string' && Object.hasOwn(ERROR_CODES, code)
        ? (code as ErrorCode)
        : 'kernel/stopped';
    return createError(known, `the kernel could not start: ${messageOf(startFailed.error)}`, {
      cause: startFailed.error,
    });
  };
  const phase = (): KernelHealth['state'] => {
    if (stopping !== undefined) return stopped ? 'stopped' : 'stopping';
    if (starting === undefined) return 'new';
    return startFailed !== undefined ? 'failed' : running ? 'running' : 'starting';
  };
  const start = async () => {
    // Callers of start() rely on what it has started. When stop() came in between, nothing runs.
    const overtaken = () => {
      if (stopping !== undefined)
        throw createError(
          'kernel/stopped',
          'the kernel was stopped before it had started: make a new one',
        );
    };
    opened ??= open();
    await opened;
    overtaken();
    await startUp();
    overtaken();
    later.now?.installer.started();
    running = true;
    await extending.run('started');
    void unheard();
    later.now?.hibernation.start();
    const records = registry.all();
    const count = (state: string) => records.filter((record) => record.state === state).length;
    announce('kernel:started', {
      plugins: records.length,
      active: count('active'),
      failed: count('failed'),
    });
  };
  const stop = async (drain: Drain) => {
    draining = true;
    guards.close();
    supervisor.close();
    resources.close();
    later.now?.hibernation.close();
    looking?.();
    await Promise.allSettled([starting, later.begun]);
    await extending.run('stopping');
    await lifecycle.drain(drain);
    await configChanges.close();
    await grants.close();
    await later.now?.installer.close();
    await lifecycle.stop();
    stopped = true;
    await services
      .close()
      .catch((error: unknown) => log.write('kernel', 'error', messageOf(error)));
    await extending.end();
    announce('kernel:stopped', {});
    await later.now?.audit.close();
    await later.now?.times.close();
    bus.close();
  };
  const kernel: TenantKernel = {
    version: KERNEL_VERSION,
    id: tenant,
    plugins: createHostPlugins({
      registry,
      lifecycle,
      installer: async () => (await later.get()).installer,
      busy: (id) => later.now?.installer.settled(id),
      data,
      timesOf: (id) => later.now?.times.of(id),
      circumstances: circumstancesOf,
      details: (record) => explainDetails(record, registry, parts),
      health: healthOf,
      opened: () => opened,
      arrival,
    }),
    commands: host.commands,
    events: createHostEvents(bus, parts.publish, log, checkRunning),
    hooks: createHostHooks(hooks, metrics, log, checkRunning),
    middleware,
    messaging: createHostMessaging(messaging, commands, checkRunning),
    services,
    secrets: {
      set: (plugin, name, value) => secrets.set(plugin, name, value),
      delete: (plugin, name) => secrets.delete(plugin, name),
      names: (plugin) => secrets.names(plugin),
    },
    storage: { of: (plugin) => data.of(plugin) },
    config: createHostConfig(config, configChanges, requireManifest, awaitManifest),
    permissions: {
      check(plugin, permission, scope = '') {
        const given = permissionsOf(plugin);
        if (!PERMISSION_NAMES.includes(permission))
          throw createError(
            'permission/invalid',
            `'${String(permission).slice(0, 64)}' is not a permission`,
            { plugin },
          );
        return given.check(permission, scope);
      },
      list: (plugin) => grants.listed(requireManifest(plugin)),
      async grant(plugin, permission, scope = '*', options) {
        await grants.grant(
          manifest(plugin) ?? (await awaitManifest(plugin)),
          permission,
          scope,
          options,
        );
        if (permission === 'contracts.provide') await lifecycle.rightsChanged();
      },
      revoke: async (plugin, permission, scope = '*') =>
        grants.revoke((manifest(plugin) ?? (await awaitManifest(plugin))).id, permission, scope),
      onRequest(handler) {
        requests.handler = handler;
        return disposable(() => {
          if (requests.handler === handler) requests.handler = undefined;
        });
      },
    },
    audit: {
      entries: async (filter) => (await later.get()).audit.entries(filter),
      verify: async (since) => (await later.get()).audit.verify(since),
      head: async () => (await later.get()).audit.head(),
      add: async (what, facts, of) => (await later.get()).audit.add(what, facts, of),
    },
    logger: log.logger('host'),
    metrics: { snapshot: () => metrics.snapshot() },
    client: host.client,
    provide: host.provide,
    async start() {
      if (stopping !== undefined) throw hasStopped();
      starting ??= start().catch((error: unknown) => {
        startFailed = { error };
        throw error;
      });
      return starting;
    },
    async stop(options) {
      const drain = lifecycle.drainOf(options);
      stopping ??= stop(drain);
      return stopping;
    },
    extension: (factory) => extending.api(factory) as never,
    providers(contract) {
      const keys = providersOf(typeof contract === 'string' ? contract : contract.$id);
      return keys.flatMap((key) => kernel.plugins.get(key) ?? []);
    },
    contributions: (point) => extending.contributions(point),
    diagnostics: () => ({
      version: KERNEL_VERSION,
      tenant,
      state: phase(),
      plugins: kernel.plugins.list().map(({ id, version, state, enabled }) => ({
        id,
        ...(version !== undefined && { version }),
        state,
        enabled,
      })),
      extensions: extending.diagnostics(),
    }),
    async health() {
      // Asked first, because it may report problems that the others include.
      const kept = stopped ? undefined : await shared.storageProblem();
      const plugins = await Promise.all(registry.all().map(healthOf));
      const { unhealthy, degraded } = stopped
        ? { unhealthy: [], degraded: [] }
        : await extending.health();
      const own = [ownProblem(), kept, unhealthy].flat().flatMap((problem) => problem ?? []);
      return (await import('./opened.js')).kernelHealth(
        phase(),
        plugins,
        own,
        [...lifecycle.problems, ...(discovery?.pending ?? []), ...degraded],
        performance.now() - created,
      );
    },
    [ASYNC_DISPOSE]: () => kernel.stop(),
  };
  extended?.install({
    tenant,
    bus,
    redaction,
    storage,
    commands,
    hostContracts,
    isOpen: shared.isOpen,
    metrics,
    grants,
    lifecycle,
    runtime: hosts.find((one) => one.runtime !== undefined)?.runtime,
    enable: (reference) => kernel.plugins.enable(reference),
    disable: (reference) => kernel.plugins.disable(reference),
    provide: (contract, handlers) => host.provide(contract, handlers),
    providers: providersOf,
    publish: parts.publish,
    // Tenants share the sources, so the default tenant adds sources for all.
    addSource: (source) => {
      if (tenant === DEFAULT_TENANT) shared.addSource(source);
    },
    check: checkRunning,
  });
  return kernel;
}

/** Calls within a second after which two plugins get a lane. */
const LANE_CALLS = 256;

function lanesAfter(option: KernelOptions['lanes']): number {
  if (typeof option === 'object') return option.calls;
  return option === false ? Number.POSITIVE_INFINITY : LANE_CALLS;
}
