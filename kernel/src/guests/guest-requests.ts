/** What a guest may ask over the hot plane, one function an operation: shape, permission, use. */
import {
  addressOf,
  type Baggage,
  createError,
  type EventOrigin,
  type HookMode,
  type Manifest,
  nameOfTarget,
  Op,
  opOf,
  ownerOf,
  PERMISSION_NAMES,
  type PermissionName,
  type StorageVerb,
} from '@plinth/sdk/contract';
import { decodeError, encode, type Inbound } from '@plinth/sdk/rpc';
import { type CallRequest, KernelCall } from '../commands/call.js';
import type { Route } from '../commands/route.js';
import { listCommands } from '../commands/host-commands.js';
import type { FetchAsk } from '../network/fetch.js';
import type { KernelParts } from '../parts.js';
import type { StorageNamespace } from '../storage/namespace.js';
import type { Meter } from '../supervision/resource-watch.js';
import { levelAt } from '../telemetry/logger.js';
import type { EventCauses } from './event-causes.js';
import type { LaneEnd } from './lane-end.js';
import type { GuestRegistrations } from './registrations.js';

/** Who asks. Made by the kernel; nothing in it comes from a message. */
export interface GuestIdentity extends LaneEnd {
  readonly manifest: Manifest;
  readonly storage: StorageNamespace;
  readonly parts: KernelParts;
  readonly registrations: GuestRegistrations;
  readonly causes: EventCauses;
  readonly meter: Meter;
  readonly steps: Map<number, (input: unknown) => Promise<unknown>>;
  crashed(error: Error): void;
}

/** Answers one request; throws or rejects with what the guest is told. Nothing in `meta` was checked before. */
export function answerGuest(guest: GuestIdentity, target: number, input: unknown, meta: unknown, inbound: Inbound): unknown {
  const facts = meta === undefined ? NO_META : typeof meta === 'number' ? [0, meta] : meta;
  if (!Array.isArray(facts) || !Number.isSafeInteger(target) || target < 0) throw malformed(guest);
  switch (opOf(target)) {
    case Op.execute:
      return execute(guest, nameOf(guest, target, facts[2]), input, facts, inbound);
    case Op.emit:
      return emit(guest, nameOf(guest, target, facts[1]), input, typeof meta === 'number' ? meta : facts[0]);
    case Op.hook:
      return hook(guest, nameOf(guest, target, facts[4]), input, facts, inbound);
    case Op.storage:
      return storage(guest, input, facts);
    case Op.next:
      return next(guest, input, facts);
    case Op.commands:
      return list(guest);
    case Op.permission:
      return hasPermission(guest, facts);
    case Op.message:
      return message(guest, input, facts, inbound);
    case Op.secret:
      return secret(guest, facts[0]);
    case Op.fetch:
      return fetchUrl(guest, input, facts, inbound);
    case Op.fs:
      return useFiles(guest, facts, input);
    case Op.env:
      if (typeof facts[0] !== 'string' || facts[0].length > MAX_NAME) throw malformed(guest);
      guest.permissions.demand('env.read', facts[0]);
      return guest.parts.environment?.(facts[0]);
    case Op.request:
      return requestPermission(guest, facts);
    case Op.laneFence:
      return guest.parts.lanes.fence(guest, facts[0]);
    default:
      throw malformed(guest);
  }
}

const NO_META: readonly unknown[] = Object.freeze([]);

/** What a request is about: the name that the guest has numbered before, or a text. */
function nameOf(guest: GuestIdentity, target: number, text: unknown): string {
  const number = nameOfTarget(target);
  const name = number > 0 ? guest.link.textOf(number) : text;
  if (typeof name !== 'string' || name.length > MAX_NAME) throw malformed(guest);
  return name;
}

const MAX_NAME = 1_024;
const MAX_LOG_FIELDS = 32_768;

/** Takes one note. */
export function takeNote(guest: GuestIdentity, op: number, payload: unknown, meta: unknown): void {
  if (!Array.isArray(meta)) throw malformed(guest);
  if (op === Op.log) {
    if (!guest.meter.logEntry()) return;
    const given = payload !== null && typeof payload === 'object' ? (payload as Record<string, unknown>) : undefined;
    // The log remembers entries: what a plugin puts in them must not be what fills the host.
    const fields = given !== undefined && encode(given).bytes > MAX_LOG_FIELDS ? { dropped: `fields larger than ${MAX_LOG_FIELDS} bytes` } : given;
    guest.parts.log.write(guest.manifest.id, levelAt(meta[0]), typeof meta[1] === 'string' ? meta[1] : '', fields);
  } else if (op === Op.fatal) {
    guest.crashed(decodeError(meta[0], guest.manifest.id));
  } else if (op === Op.laneCalls) guest.parts.lanes.report(guest, meta);
  else if (op === Op.laneOver) guest.parts.lanes.over(guest, meta);
  else throw malformed(guest);
}

/** The commands that it may execute. As JSON, which manifests are: one that holds an object twice must not keep others from being listed. */
function list({ parts, permissions }: GuestIdentity): unknown {
  return JSON.parse(JSON.stringify(listCommands(parts.commands, parts.manifests()).filter(({ id }) => permissions.check('commands.execute', id))));
}

function execute(guest: GuestIdentity, id: string, input: unknown, [timeout = 0, parent = 0]: readonly unknown[], inbound: Inbound): Promise<unknown> {
  if (typeof timeout !== 'number') throw malformed(guest);
  const scope = addressOf(id).id;
  guest.permissions.demand('commands.execute', scope);
  inbound.about = scope;
  const { commands, lanes, chains } = guest.parts;
  const request = requestOf(guest, timeout, parent, inbound);
  demandForAll(guest, request.parent, 'commands.execute', scope);
  const entry = commands.get(id);
  const own = entry === undefined ? guest.registrations.stagedCommand(id) : undefined;
  if (own !== undefined) return commands.run(own, input, guest.caller, request);
  // A plugin reaches the version that it has declared.
  if (entry === undefined || commands.isSpecial(entry.owner)) return commands.execute(id, input, guest.caller, request, undefined, routeOf(guest.manifest, id));
  if (entry.at !== undefined) {
    lanes.called(guest, entry);
    // Only what passes through untouched is nobody's here.
    inbound.moves = chains.of('command', id) === undefined;
  }
  return commands.run(entry, input, guest.caller, request);
}

/** The right that a request is made under, by what is noted of it: calls, which are most, name the command alone. */
export function rightOf(about: string): readonly [permission: PermissionName, scope: string] {
  const space = about.indexOf(' ');
  return space === -1 ? ['commands.execute', about] : [about.slice(0, space) as PermissionName, about.slice(space + 1)];
}

/** What is done for others needs their rights, too: nobody gets done through another what he may not do himself. */
function demandForAll(guest: GuestIdentity, call: KernelCall | undefined, permission: PermissionName, scope: string): void {
  if (call === undefined) return;
  const { parts, manifest } = guest;
  const lacking = parts.grants.lacking(call, manifest.id, permission, scope);
  if (lacking === undefined) return;
  const { id } = lacking.caller;
  if (lacking.why === 'rate')
    throw createError('permission/rate', `${manifest.id} may not use ${permission} for '${scope}' on behalf of ${id}, which has used it too often`, {
      plugin: manifest.id,
      details: { permission, scope, onBehalfOf: id },
    });
  parts.metrics.permissionDenials += 1;
  parts.onDenied(id, permission, scope);
  throw createError('permission/denied', `${manifest.id} may not use ${permission} for '${scope}' on behalf of ${id}, which may not itself`, {
    plugin: manifest.id,
    details: { permission, scope, onBehalfOf: id },
  });
}

function routeOf({ dependencies, optionalDependencies, needs }: Manifest, id: string): Route {
  const owner = ownerOf(id);
  return { range: dependencies[owner] ?? optionalDependencies[owner], contract: needs.find((need) => need.startsWith(`${owner}@`)) };
}

function hook(guest: GuestIdentity, id: string, input: unknown, [mode, timeout, parent = 0, strict]: readonly unknown[], inbound: Inbound): Promise<unknown> {
  if (typeof timeout !== 'number' || !MODES.has(mode as HookMode)) throw malformed(guest);
  guest.permissions.demand('hooks.call', id);
  inbound.about = `hooks.call ${id}`;
  const request = requestOf(guest, timeout, parent, inbound);
  demandForAll(guest, request.parent, 'hooks.call', id);
  return guest.parts.hooks.run(id, mode as HookMode, input, guest.caller, request, strict === 1);
}

const MODES: ReadonlySet<HookMode> = new Set(['collect', 'first', 'waterfall', 'parallel']);

function requestOf(guest: GuestIdentity, timeout: number, parent: unknown, inbound: Inbound): CallRequest {
  const limit = timeout === 0 ? undefined : timeout;
  const cause = parent === 0 ? undefined : causeOf(guest, parent);
  return cause === undefined || cause instanceof KernelCall ? new GuestCallRequest(inbound, limit, cause) : new CausedCallRequest(inbound, limit, cause);
}

/** What a guest makes a call for: a call that it answers, or an event it has got. What is over hands nothing on. */
function causeOf(guest: GuestIdentity, sequence: unknown): KernelCall | EventOrigin | undefined {
  if (typeof sequence !== 'number') throw malformed(guest);
  if (sequence < 0) return guest.causes.get(sequence);
  const reply = guest.link.waitsFor(sequence) as KernelCall | { readonly call?: KernelCall } | undefined;
  return reply instanceof KernelCall ? reply : reply?.call;
}

/** A class, so that a call of a guest costs one object and no closure. */
class GuestCallRequest implements CallRequest {
  readonly inbound: Inbound;
  readonly timeout: number | undefined;
  readonly parent: KernelCall | undefined;

  constructor(inbound: Inbound, timeout: number | undefined, parent: KernelCall | undefined) {
    this.inbound = inbound;
    this.timeout = timeout;
    this.parent = parent;
  }

  onProgress(value: unknown): void {
    this.inbound.progress(value);
  }
}

/** A call that is made for an event. */
class CausedCallRequest extends GuestCallRequest {
  readonly user: string | undefined;
  readonly traceparent: string | undefined;
  readonly baggage: Baggage | undefined;

  constructor(inbound: Inbound, timeout: number | undefined, { user, traceparent, baggage }: EventOrigin) {
    super(inbound, timeout, undefined);
    this.user = user;
    this.traceparent = traceparent;
    this.baggage = baggage;
  }
}

function emit(guest: GuestIdentity, topic: string, payload: unknown, parent: unknown = 0): Promise<void> {
  guest.permissions.demand('events.emit', topic);
  const cause = parent === 0 ? undefined : causeOf(guest, parent);
  if (cause instanceof KernelCall) demandForAll(guest, cause, 'events.emit', topic);
  return guest.parts.publish(guest.caller, topic, payload, cause);
}

function message(guest: GuestIdentity, input: unknown, [to, timeout = 0, parent = 0]: readonly unknown[], inbound: Inbound): Promise<unknown> {
  if (typeof to !== 'string' || to.length > MAX_NAME || typeof timeout !== 'number') throw malformed(guest);
  guest.permissions.demand('messaging.send', to === '' ? '*' : to);
  inbound.about = `messaging.send ${to === '' ? '*' : to}`;
  const request = requestOf(guest, timeout, parent, inbound);
  demandForAll(guest, request.parent, 'messaging.send', to === '' ? '*' : to);
  const { messaging } = guest.parts;
  return to === '' ? messaging.route(input, guest.caller, request) : messaging.send(to, input, guest.caller, request);
}

const READS: ReadonlySet<string> = new Set(['get', 'has', 'keys', 'read']);

function storage(guest: GuestIdentity, value: unknown, [verb, key, revision]: readonly unknown[]): Promise<unknown> {
  if (typeof key !== 'string') throw createError('storage/invalid-key', 'a storage key is a text', { plugin: guest.manifest.id });
  const wanted = verb === 'keys' ? `${key}*` : verb === 'clear' ? '*' : key;
  guest.permissions.demand(READS.has(verb as string) ? 'storage.read' : 'storage.write', wanted);
  const own = guest.storage;
  switch (verb as StorageVerb) {
    case 'get':
      return own.get(key);
    case 'read':
      return own.read(key);
    case 'has':
      return own.has(key);
    case 'keys':
      return own.keys(key);
    case 'set':
      return own.set(key, value);
    case 'swap':
      return own.swap(key, value, typeof revision === 'string' ? revision : '');
    case 'delete':
      return own.delete(key);
    case 'clear':
      return own.clear();
    default:
      throw malformed(guest);
  }
}

function secret(guest: GuestIdentity, name: unknown): Promise<string | undefined> {
  if (typeof name !== 'string' || name.length > MAX_NAME) throw malformed(guest);
  guest.permissions.demand('secrets.read', name);
  return guest.parts.secrets.get(guest.manifest.id, name);
}

/** A middleware step goes on: only steps that this guest was given, each once. */
function next(guest: GuestIdentity, input: unknown, [step, changed]: readonly unknown[]): Promise<unknown> {
  const proceed = guest.steps.get(step as number);
  if (proceed === undefined) throw createError('middleware/next-twice', `${guest.manifest.id} called next() for a step that is over`, { plugin: guest.manifest.id });
  return proceed(changed === 0 ? KEEP_INPUT : input);
}

/** What a guest's `next()` without an argument passes on. */
export const KEEP_INPUT: unique symbol = Symbol('keep input');

function hasPermission(guest: GuestIdentity, [permission, scope]: readonly unknown[]): boolean {
  if (!PERMISSION_NAMES.includes(permission as PermissionName) || typeof scope !== 'string') {
    throw createError('permission/invalid', `'${typeof permission === 'string' ? permission.slice(0, 64) : typeof permission}' is not a permission`, { plugin: guest.manifest.id });
  }
  return guest.permissions.check(permission as PermissionName, scope);
}

async function useFiles(guest: GuestIdentity, [verb, path]: readonly unknown[], data: unknown): Promise<unknown> {
  const { askFiles } = await import('./file-requests.js');
  return askFiles(guest.manifest.id, guest.permissions, guest.meter.limits.files, guest.parts, verb, path, data);
}

async function fetchUrl(guest: GuestIdentity, input: unknown, [timeout, parent = 0]: readonly unknown[], inbound: Inbound): Promise<unknown> {
  if (input === null || typeof input !== 'object' || typeof timeout !== 'number') throw malformed(guest);
  const { url, method, headers, body } = input as Record<string, unknown>;
  const ask = { url, method, headers, body, timeout: timeout === 0 ? undefined : timeout } as FetchAsk;
  const cause = parent === 0 ? undefined : causeOf(guest, parent);
  const demand = (verb: string, url: string) => {
    const target = `${verb} ${url}`;
    inbound.about = `network.fetch ${target}`;
    guest.permissions.demand('network.fetch', target);
    if (cause instanceof KernelCall) demandForAll(guest, cause, 'network.fetch', target);
  };
  const { fetchFor } = await import('../network/fetch.js');
  return fetchFor(guest.manifest.id, guest.permissions, demand, guest.parts.send, ask, inbound.signal);
}

function requestPermission(guest: GuestIdentity, [permission, scope, why, time]: readonly unknown[]): Promise<boolean> {
  if (typeof permission !== 'string' || typeof scope !== 'string' || typeof time !== 'number') throw malformed(guest);
  return guest.parts.requestPermission({
    manifest: guest.manifest,
    permission: permission as PermissionName,
    scope,
    why: typeof why === 'string' ? why : undefined,
    for: time === 0 ? undefined : time,
    has: () => guest.permissions.check(permission as PermissionName, scope),
  });
}

function malformed(guest: GuestIdentity): Error {
  return createError('wire/refused', `refused a message of ${guest.manifest.id}: it is not well formed`, { plugin: guest.manifest.id });
}
