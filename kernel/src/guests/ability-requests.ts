/** Requests of a guest that reach beyond plugins: storage, secrets, files, network, rights. */
import { createError, cutText, type PermissionName, type StorageVerb } from '@plinth/sdk/contract';
import type { Inbound } from '@plinth/sdk/rpc';
import { MAX_KEY } from '../storage/namespace.js';
import { behalfOf } from './behalf.js';
import { demandForAll, MAX_NAME } from './call-requests.js';
import { type GuestIdentity, malformed } from './guest-identity.js';
import type { FetchAsk } from './machine.js';

/** Longest revision of a stored value. */
const MAX_REVISION = 128;
const READS: ReadonlySet<string> = new Set(['get', 'has', 'keys', 'read']);

/** Reads and writes what the plugin keeps. */
export function storage(
  guest: GuestIdentity,
  value: unknown,
  [verb, key, revision]: readonly unknown[],
): Promise<unknown> {
  if (typeof key !== 'string' || key.length > MAX_KEY)
    throw createError(
      'storage/invalid-key',
      `a storage key is a text of at most ${MAX_KEY} characters`,
      { plugin: guest.manifest.id },
    );
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
      return own.swap(
        key,
        value,
        typeof revision === 'string' && revision.length <= MAX_REVISION ? revision : '',
      );
    case 'delete':
      return own.delete(key);
    case 'clear':
      return own.clear();
    default:
      throw malformed(guest);
  }
}

/** Answers one secret of the plugin. */
export function secret(guest: GuestIdentity, name: unknown): Promise<string | undefined> {
  if (typeof name !== 'string' || name.length > MAX_NAME) throw malformed(guest);
  guest.permissions.demand('secrets.read', name);
  return guest.services.abilities.secrets.get(guest.manifest.id, name);
}

/** A request over the network. */
export async function fetchUrl(
  guest: GuestIdentity,
  input: unknown,
  [timeout, parent = 0]: readonly unknown[],
  inbound: Inbound,
): Promise<unknown> {
  if (input === null || typeof input !== 'object' || typeof timeout !== 'number')
    throw malformed(guest);
  const { url, method, headers, body } = input as Record<string, unknown>;
  const behalf = behalfOf(guest, parent);
  const ask = {
    url,
    method,
    headers,
    body,
    timeout: timeout === 0 ? undefined : timeout,
    traceparent: (behalf.parent ?? behalf.origin)?.traceparent,
  } as FetchAsk;
  const demand = (verb: string, url: string) => {
    const target = `${verb} ${url}`;
    inbound.about = `network.fetch ${target}`;
    guest.permissions.demand('network.fetch', target);
    demandForAll(guest, behalf, 'network.fetch', target);
  };
  const { delegation } = guest.services.rights.grants;
  const namesHost = (url: string) =>
    guest.permissions.namesHost(url) &&
    delegation.allFor(behalf.calls, (rights) => rights.namesHost(url));
  return guest.services.abilities.machine.fetch(guest, demand, ask, inbound.signal, namesHost);
}

/** Asks the application for a further right. */
export function requestPermission(
  guest: GuestIdentity,
  [permission, scope, why, time]: readonly unknown[],
): Promise<boolean> {
  if (typeof permission !== 'string' || typeof scope !== 'string' || typeof time !== 'number')
    throw malformed(guest);
  return guest.services.abilities.requestPermission({
    manifest: guest.manifest,
    permission: permission as PermissionName,
    scope,
    why: typeof why === 'string' ? cutText(why, MAX_NAME) : undefined,
    for: time === Number.POSITIVE_INFINITY ? undefined : time,
    has: () => guest.permissions.check(permission as PermissionName, scope),
  });
}
