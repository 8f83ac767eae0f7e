/** `calls`: makes calls and emits events as the host, as a plugin, or with given rights. */
import type { AnyContract, Client } from '@plinth/sdk';
import { type Caller, createError, type PermissionName } from '@plinth/sdk/contract';
import { createClient, type Execute, type Parse } from '../calls/client.js';
import { type CallRequest, HOST } from '../calls/kernel-call.js';
import type { Route } from '../calls/route.js';
import { contained } from '../contained.js';
import { PermissionSet } from '../permissions/broker.js';
import type { Grants } from '../permissions/grants.js';
import type { Metrics } from '../telemetry/metrics.js';
import { checkKind } from './check-arguments.js';
import type { PowerParts } from './power-parts.js';
import type { ActOptions, CallsPower } from './powers.js';
import type { Keep } from './tenant-extensions.js';
import type { PluginView } from './views.js';

/** Makes the power of an extension. */
export function callsOf(own: string, keep: Keep, parts: PowerParts): CallsPower {
  const { commands, metrics, views } = parts;
  const where = `calls of the extension '${own}'`;
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
    checkKind(where, 'a command', id, 'string');
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
        execute(id, input, { ...options, ...said(more) }, parse, route);
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
      checkKind(where, 'a topic', topic, 'string');
      const full = topic.includes(':') ? topic : `host:${topic}`;
      await parts.publish(callerOf(options, 'events.emit', full), full, payload);
    },
    listen: (pattern, listener) => listen(own, pattern, listener, keep, parts),
  };
}

function listen(
  own: string,
  pattern: string,
  listener: Parameters<CallsPower['listen']>[1],
  keep: Keep,
  { bus, places }: PowerParts,
): ReturnType<CallsPower['listen']> {
  const where = `listen() of the extension '${own}'`;
  checkKind(where, 'a pattern', pattern, 'string');
  checkKind(where, 'a listener', listener, 'function');
  return keep(
    bus.on(pattern, ({ event: { topic, payload, source } }) =>
      contained(
        () => listener({ topic, payload, source }),
        (error) => places.report(own, `failed in a listener of ${topic}`, error),
      ),
    ),
  );
}

/** The caller that a call is made as. @throws PluginPermissionError `permission/denied`. */
function actingAs(
  options: ActOptions,
  permission: PermissionName,
  scope: string,
  { metrics, grants: load }: Pick<PowerParts, 'grants' | 'metrics'>,
): Caller {
  if (!('as' in options)) return HOST;
  const { as } = options;
  // A plugin that was looked up and isn't there must not get the rights of the host.
  if (as === undefined || as === null || typeof as.id !== 'string')
    throw createError(
      'plugin/not-found',
      "'as' names no plugin: leave it out to act as the host itself",
      { details: { permission, scope } },
    );
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
function rightsOf(plugin: PluginView, metrics: Metrics, grants: Grants): PermissionSet {
  const { manifest, id } = Object(plugin) as PluginView;
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

/** What a call itself says. A call in progress may be given, whose parts are no own ones of it. */
const said = (more: ActOptions = {}): ActOptions =>
  Object.fromEntries(Object.entries(requestOf(more)).filter(([, value]) => value !== undefined));

const requestOf = ({ user, signal, timeout, traceparent, baggage }: ActOptions): CallRequest => ({
  user,
  timeout,
  traceparent,
  baggage,
  ...(signal !== undefined && { signal }),
});
