/** Makes the powers of one extension from the parts of the tenant. */
import type { AnyContract, Client } from '@plinth/sdk';
import { type Caller, createError, disposable, type PermissionName } from '@plinth/sdk/contract';
import type { Parse } from '../calls/client.js';
import { createClient, type Execute } from '../calls/client.js';
import { type CallRequest, HOST } from '../calls/kernel-call.js';
import type { Route } from '../calls/route.js';
import type { EventBus } from '../events/event-bus.js';
import type { PluginSource, StorageAdapter } from '../host.js';
import type { KernelTopic } from '../kernel-events.js';
import { PermissionSet } from '../permissions/broker.js';
import type { Grants } from '../permissions/grants.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { Redaction } from '../telemetry/redaction.js';
import { pointParser } from './contributions.js';
import type { CorePower } from './core.js';
import { openDocuments } from './documents.js';
import type { ExtensionPlaces } from './places.js';
import type { PluginViews } from './plugin-views.js';
import type {
  ActOptions,
  CallsPower,
  EventsPower,
  MetricsPower,
  Powers,
  SteerPower,
} from './powers.js';
import { type ProvideParts, provide } from './provide.js';
import type { AnyExtension } from './statics.js';
import type { Keep } from './tenant-extensions.js';
import type { PluginView } from './views.js';

/** The parts that powers are made of. */
export interface PowerParts extends ProvideParts {
  readonly tenant: string;
  readonly bus: EventBus;
  readonly redaction: Redaction;
  readonly storage: StorageAdapter;
  readonly metrics: Metrics;
  readonly core: CorePower;
  /** The rights of the plugins that are known. */
  grants(): Grants;
  readonly places: ExtensionPlaces;
  readonly views: PluginViews;
  readonly steer: SteerPower;
  /** Keys of the plugins that provide a contract, the best first. */
  providers(contract: string): readonly string[];
  publish(source: Caller, topic: string, payload: unknown): Promise<void>;
  addSource(source: PluginSource): void;
  /** @throws PluginUnavailableError `kernel/stopped`. */
  check(): void;
}

/** Makes one power. */
export function powerOf<P extends keyof Powers>(
  name: P,
  extension: AnyExtension,
  keep: Keep,
  parts: PowerParts,
): Powers[P] {
  const { places } = parts;
  const own = extension.statics.name;
  const makers: { readonly [K in keyof Powers]: () => Powers[K] } = {
    events: () => eventsOf(extension, keep, parts),
    documents: () => ({
      open: (spec) => openDocuments(parts.storage, parts.tenant, own, spec),
    }),
    provide: () => (contract, handlers, options) =>
      keep(provide(contract, handlers, options, parts)),
    calls: () => callsOf(keep, parts),
    intercept: () => (interceptor) => {
      const registered = places.around.add(own, interceptor);
      return Object.assign(keep(registered), { changed: registered.changed });
    },
    verify: () => (check) => void places.checks.push({ extension: own, check }),
    transition: () => (names, hook) =>
      places.steps.add(own, [names].flat(), hook, (end) => keep(disposable(end))),
    steer: () => parts.steer,
    guests: () => (onGuest) => void places.onGuests.push({ extension: own, onGuest }),
    rights: () => (source) => ({ changed: places.rights.add(own, source) }),
    contribute: () => ({
      point: (spec) => {
        const reach = spec.reach && ((value: unknown) => spec.reach?.(value as never) ?? {});
        places.points.open(spec.point, `the extension '${own}'`, pointParser(spec), reach);
        const of = (manifest: Parameters<typeof places.points.of>[0] | undefined) =>
          manifest && (places.points.of(manifest, spec.point) as never);
        return {
          of: (plugin) => of(plugin.manifest),
          all: () =>
            parts.views.all().flatMap((plugin) => {
              const value = of(plugin.manifest);
              return value === undefined ? [] : [{ plugin, value }];
            }),
          onChange: (listener) => keep(places.points.onChange(listener)),
        };
      },
    }),
    source: () => (source) => parts.addSource(source),
    launch: () => (wrap) => void places.launches.push({ extension: own, wrap }),
    metrics: () => metricsOf(own, keep, parts.metrics),
    core: () => parts.core,
  };
  return makers[name]();
}

function eventsOf(
  { statics: { name, events = {} } }: AnyExtension,
  keep: Keep,
  { bus, redaction, tenant }: PowerParts,
): EventsPower<never> {
  const listen = (
    topics: readonly string[],
    listener: (payload: never, topic: never) => void,
  ): Disposable & { dispose(): void } => {
    const all = topics.map((topic) =>
      bus.on(topic, ({ event }) => {
        // A plugin's event with a similar topic is ignored.
        if (event.source === 'kernel') listener(event.payload as never, event.topic as never);
      }),
    );
    return keep(
      disposable(() => {
        for (const one of all) one.dispose();
      }),
    );
  };
  return {
    on: (topics, listener) => listen([topics].flat() as readonly KernelTopic[], listener as never),
    onAny: (topics, listener) => listen(topics, listener as never),
    emit(topic: string, payload: unknown) {
      if (!Object.hasOwn(events, topic))
        throw createError(
          'extension/undeclared',
          `the extension '${name}' tells '${topic}', which it doesn't declare: add it to 'events'`,
          { details: { extension: name, topic } },
        );
      bus.emit({ topic, payload: redaction.value(payload), source: 'kernel', tenant });
    },
  };
}

function callsOf(keep: Keep, parts: PowerParts): CallsPower {
  const { commands, metrics, bus, views } = parts;
  const callerOf = (options: ActOptions, permission: PermissionName, scope: string) =>
    actingAs(options, permission, scope, parts);
  const execute = async (
    id: string,
    input: unknown,
    options: ActOptions,
    parse?: Parse,
    route?: Route,
  ) => {
    parts.check();
    const at = id.indexOf('@', id.indexOf(':'));
    const caller = callerOf(options, 'commands.execute', at === -1 ? id : id.slice(0, at));
    return commands.execute(id, input, caller, requestOf(options), parse, route);
  };
  return {
    execute: (id, input, options = {}) => execute(id, input, options),
    client: <C extends AnyContract>(
      contract: C,
      { provider, ...options }: ActOptions & { readonly provider?: string } = {},
    ) => {
      const run: Execute = (id, input, more, parse, route) =>
        execute(id, input, { ...options, ...more }, parse, route);
      return createClient(
        contract,
        run,
        metrics,
        provider === undefined ? {} : { provider },
      ) as Client<C>;
    },
    may(plugin, permission, scope) {
      const rights = rightsOf(plugin, metrics, parts.grants());
      const may = rights.check(permission, scope);
      rights.onAsked?.(permission, scope, may);
      return may;
    },
    revoked: ({ manifest }, permission, scope) =>
      manifest === undefined || parts.grants().denies(manifest, permission, scope),
    providers: (contract) =>
      parts
        .providers(typeof contract === 'string' ? contract : contract.$id)
        .map((key) => views.of(key)),
    publish: async (topic, payload, options = {}) => {
      parts.check();
      const full = topic.includes(':') ? topic : `host:${topic}`;
      await parts.publish(callerOf(options, 'events.emit', full), full, payload);
    },
    listen: (pattern, listener) =>
      keep(
        bus.on(pattern, ({ event: { topic, payload, source } }) =>
          listener({ topic, payload, source }),
        ),
      ),
  };
}

/** The caller that a call is made as. @throws PluginPermissionError `permission/denied`. */
function actingAs(
  { as }: ActOptions,
  permission: PermissionName,
  scope: string,
  { metrics, grants: load }: Pick<PowerParts, 'grants' | 'metrics'>,
): Caller {
  if (as === undefined) return HOST;
  const none = () => {};
  if ('rights' in as) {
    new PermissionSet(as.id, as.rights, metrics, none).demand(permission, scope);
    return { kind: 'remote', id: as.id };
  }
  const { id, version = '' } = as;
  rightsOf(as, metrics, load()).demand(permission, scope);
  return { kind: 'plugin', id, version };
}

/** What a plugin may do, whether it runs or not. @throws PluginError `plugin/not-found`. */
function rightsOf({ manifest, id }: PluginView, metrics: Metrics, grants: Grants): PermissionSet {
  if (manifest === undefined)
    throw createError('plugin/not-found', `no plugin '${id}' is installed`, { plugin: id });
  const set = new PermissionSet(
    id,
    grants.of(manifest),
    metrics,
    () => {},
    grants.denied(manifest),
    undefined,
    grants.bounds(manifest),
    (asked, what) => grants.why(manifest, asked, what),
  );
  set.onAsked = grants.observing?.of(manifest);
  return set;
}

const requestOf = ({ user, signal, timeout, traceparent, baggage }: ActOptions): CallRequest => ({
  user,
  timeout,
  traceparent,
  baggage,
  ...(signal !== undefined && { signal }),
});

function metricsOf(extension: string, keep: Keep, { extensions }: Metrics): MetricsPower {
  const prefix = `${extension}.`;
  return {
    counter: (name) => {
      const counter = { count: 0 };
      extensions.set(prefix + name, () => counter.count);
      return {
        add(by = 1) {
          counter.count += by;
        },
      };
    },
    gauge: (name, read) => {
      extensions.set(prefix + name, read);
      return keep(disposable(() => extensions.delete(prefix + name)));
    },
    read: () =>
      Object.fromEntries(
        [...extensions]
          .filter(([name]) => name.startsWith(prefix))
          .map(([name, read]) => [name.slice(prefix.length), read()]),
      ),
  };
}
