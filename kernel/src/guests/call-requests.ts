/** Requests of a guest that reach other plugins: calls, hooks, events, messages. */

import {
  addressOf,
  type Baggage,
  createError,
  type EventOrigin,
  type HookMode,
  nameOfTarget,
  ownerOf,
  type PermissionName,
} from '@plinth/sdk/contract';
import type { Inbound } from '@plinth/sdk/rpc';
import type { CallRequest, KernelCall, Under } from '../calls/kernel-call.js';
import { managementRight } from '../calls/management-rights.js';
import type { PermissionSet } from '../permissions/broker.js';
import { type Behalf, behalfOf } from './behalf.js';
import { type GuestIdentity, malformed } from './guest-identity.js';
import { isOther, routeOf } from './guest-routes.js';
import { KEEP_INPUT } from './middleware-steps.js';

/** The subject of a request: the name that the guest has numbered before, or a text. */
export function nameOf(guest: GuestIdentity, target: number, text: unknown): string {
  const number = nameOfTarget(target);
  const name = number > 0 ? guest.link.textOf(number) : text;
  if (typeof name !== 'string' || name.length > MAX_NAME) throw malformed(guest);
  return name;
}

/** Longest name of what is addressed, in characters. */
export const MAX_NAME = 1_024;

/** Whether a guest may call a command, its own ones included. */
export function mayExecute(permissions: PermissionSet, id: string): boolean {
  const right = managementRight(id);
  return right === undefined
    ? permissions.check('commands.execute', id)
    : permissions.check(right, '');
}

/** Calls a command for a guest. */
export function execute(
  guest: GuestIdentity,
  id: string,
  input: unknown,
  [timeout = 0, parent = 0]: readonly unknown[],
  inbound: Inbound,
): Promise<unknown> {
  if (typeof timeout !== 'number') throw malformed(guest);
  const { id: scope, provider } = addressOf(id);
  // The kernel checks the commands that it answers itself once more, for their subject.
  const right = managementRight(scope);
  const asked = right === undefined ? scope : '';
  if (right !== 'config.read') guest.permissions.demand(right ?? 'commands.execute', asked);
  // A plugin may always read its own settings.
  inbound.about =
    right === undefined ? scope : right === 'config.read' ? `${guest.manifest.id}:` : `${right} `;
  const { commands, lanes, chains } = guest.services.exchange;
  const behalf = behalfOf(guest, parent);
  const request = requestOf(behalf, timeout, inbound);
  if (right === undefined) demandForAll(guest, behalf, 'commands.execute', scope);
  // The kernel's own commands look at all of them.
  else request.behalf = behalf.calls;
  const entry = commands.get(id);
  const own = entry === undefined ? guest.registrations.stagedCommand(id) : undefined;
  if (own !== undefined && !isOther(guest, own))
    return commands.run(own, input, guest.caller, request);
  // A plugin that needs several majors of a contract says which one it means.
  if (provider !== undefined && MAJOR.test(provider))
    return commands.execute(scope, input, guest.caller, request, undefined, {
      ...routeOf(guest.manifest, scope),
      contract: `${ownerOf(scope)}@${provider}`,
    });
  // A plugin reaches the version that it has declared.
  if (entry === undefined || commands.isSpecial(entry.owner) || isOther(guest, entry))
    return commands.execute(
      id,
      input,
      guest.caller,
      request,
      undefined,
      routeOf(guest.manifest, id),
    );
  if (entry.at !== undefined) {
    lanes.called(guest, entry);
    // Buffers may be moved only when the value passes through unread.
    inbound.moves = chains.of('command', id) === undefined;
  }
  return commands.run(entry, input, guest.caller, request);
}

/** No plugin id begins with a figure. */
const MAJOR = /^\d{1,8}$/;

/** Acting for others needs their rights too: no caller gains rights through another plugin. */
export function demandForAll(
  guest: GuestIdentity,
  { calls }: Behalf,
  permission: PermissionName,
  scope: string,
): void {
  guest.services.rights.grants.delegation.demandFor(calls, guest.manifest.id, permission, scope);
}

/**
 * Asks the handlers of a hook for a guest. The last fact is 1 when it is strict, else 0; a text has
 * the id of the plugin that is asked behind that figure.
 */
export function hook(
  guest: GuestIdentity,
  id: string,
  input: unknown,
  [mode, timeout, parent = 0, asked]: readonly unknown[],
  inbound: Inbound,
): Promise<unknown> {
  const provider = typeof asked === 'string' ? asked.slice(1) : undefined;
  if (
    typeof timeout !== 'number' ||
    !MODES.has(mode as HookMode) ||
    (provider !== undefined && (provider === '' || provider.length > MAX_NAME))
  )
    throw malformed(guest);
  guest.permissions.demand('hooks.call', id);
  inbound.about = `hooks.call ${id}`;
  const behalf = behalfOf(guest, parent);
  const request = requestOf(behalf, timeout, inbound);
  demandForAll(guest, behalf, 'hooks.call', id);
  return guest.services.exchange.hooks.run(
    id,
    mode as HookMode,
    input,
    guest.caller,
    request,
    asked === 1 || (asked as string)?.[0] === '1',
    provider === undefined ? undefined : (owner) => owner === provider,
  );
}

const MODES: ReadonlySet<HookMode> = new Set(['collect', 'first', 'waterfall', 'parallel']);

function requestOf(
  { parent, origin, calls, under }: Behalf,
  timeout: number,
  inbound: Inbound,
): GuestCallRequest {
  const limit = timeout === 0 ? undefined : timeout;
  const request =
    origin === undefined
      ? new GuestCallRequest(inbound, limit, parent, under)
      : new CausedCallRequest(inbound, limit, origin);
  // Without a parent nothing else says whose rights count for what is done below it.
  if (parent === undefined && calls.length > 0) request.behalf = calls;
  return request;
}

/** A class, so that a guest's call costs one object and no closure. */
class GuestCallRequest implements CallRequest {
  readonly inbound: Inbound;
  readonly timeout: number | undefined;
  readonly parent: KernelCall | undefined;
  behalf: readonly KernelCall[] | undefined = undefined;
  readonly under: Under | undefined;

  constructor(
    inbound: Inbound,
    timeout: number | undefined,
    parent: KernelCall | undefined,
    under?: Under,
  ) {
    this.inbound = inbound;
    this.timeout = timeout;
    this.parent = parent;
    this.under = under;
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

  constructor(
    inbound: Inbound,
    timeout: number | undefined,
    { user, traceparent, baggage }: EventOrigin,
  ) {
    super(inbound, timeout, undefined);
    this.user = user;
    this.traceparent = traceparent;
    this.baggage = baggage;
  }
}

/** Emits an event of a guest. */
export function emit(
  guest: GuestIdentity,
  topic: string,
  payload: unknown,
  parent: unknown = 0,
): Promise<void> {
  guest.permissions.demand('events.emit', topic);
  const behalf = behalfOf(guest, parent);
  demandForAll(guest, behalf, 'events.emit', topic);
  return guest.services.exchange.publish(
    guest.caller,
    topic,
    payload,
    behalf.parent ?? behalf.origin,
  );
}

/** Sends a message of a guest, by address or by confidence. */
export async function message(
  guest: GuestIdentity,
  input: unknown,
  [to, timeout = 0, parent = 0]: readonly unknown[],
  inbound: Inbound,
): Promise<unknown> {
  if (typeof to !== 'string' || to.length > MAX_NAME || typeof timeout !== 'number')
    throw malformed(guest);
  guest.permissions.demand('messaging.send', to === '' ? '*' : to);
  inbound.about = `messaging.send ${to === '' ? '*' : to}`;
  const behalf = behalfOf(guest, parent);
  const request = requestOf(behalf, timeout, inbound);
  demandForAll(guest, behalf, 'messaging.send', to === '' ? '*' : to);
  const { messaging } = guest.services.abilities;
  return to === ''
    ? messaging.route(input, guest.caller, request)
    : messaging.send(to, input, guest.caller, request);
}

/** A middleware step continues. Only steps that this guest was given count, each once. */
export function next(
  guest: GuestIdentity,
  input: unknown,
  [step, changed]: readonly unknown[],
): Promise<unknown> {
  const proceed = guest.steps.get(step as number);
  if (proceed === undefined)
    throw createError(
      'middleware/next-twice',
      `${guest.manifest.id} called next() for a step that is over`,
      { plugin: guest.manifest.id },
    );
  return proceed(changed === 0 ? KEEP_INPUT : input);
}
