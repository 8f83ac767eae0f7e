/** What a registration must look like, and the rights that it needs. */
import {
  createError,
  isMemberName,
  isTime,
  MAX_QUEUE,
  type Manifest,
  ownerOf,
  type PermissionName,
  policyProblem,
  type Registration,
} from '@plinth/sdk/contract';
import type { IsOpen } from '../calls/open-contracts.js';

/** The rights that a registration needs in addition to being the plugin's own. */
export function rightsFor(
  { kind, name }: Pick<Registration, 'kind' | 'name'>,
  manifest: Manifest,
  isOpen: IsOpen,
): readonly (readonly [PermissionName, scope: string])[] {
  if (kind === 'event') return [['events.subscribe', name]];
  if (kind === 'middleware') return [['middleware.use', name]];
  // A provider of an open contract, or its hooks, sees what is sent to all of its providers.
  const foreign = ownerOf(name) !== manifest.id && isOpen(name);
  const open: readonly (readonly [PermissionName, string])[] = foreign
    ? [['contracts.provide', ownerOf(name)]]
    : [];
  const own = foreign && offers(manifest, name);
  return kind === 'command' || own ? open : [...open, ['hooks.handle', name]];
}

/** Whether a name belongs to a contract that the plugin's manifest declares. */
export const offers = ({ provides }: Manifest, name: string): boolean =>
  provides?.some((contract) => contract.startsWith(`${ownerOf(name)}@`)) === true;

/** Provided and declared versions must match, because callers choose by the manifest. */
export function checkPromise(
  { name, contract }: Registration,
  { id, provides = [] }: Manifest,
): void {
  if (contract === undefined || provides.includes(contract)) return;
  const base = ownerOf(name);
  const promised = provides.find((one) => one.startsWith(`${base}@`));
  if (promised === undefined || !contract.startsWith(`${base}@`)) return;
  throw createError(
    'contract/invalid',
    `${id} provides '${contract}', and its manifest promises '${promised}': let both say the same`,
    {
      plugin: id,
      details: { contract, expected: promised },
    },
  );
}

const KINDS: ReadonlySet<string> = new Set(['command', 'hook', 'event', 'middleware']);

const OVERFLOWS: ReadonlySet<string> = new Set(['block', 'drop-oldest', 'drop-newest', 'latest']);

/**
 * A registration as it is kept: only what was checked is in it.
 *
 * @throws PluginProtocolError `wire/refused`, PluginValidationError `contract/invalid`.
 */
export function checkRegistration(value: Registration, plugin: string): Registration {
  const {
    handle,
    kind,
    name,
    timeout,
    idempotent,
    reentrant,
    policy,
    contract,
    overflow,
    queue,
    place,
  } = (value ?? {}) as Partial<Registration>;
  const isPolicy = policy === undefined || (policy !== null && typeof policy === 'object');
  const policyFault =
    policy === undefined || !isPolicy
      ? undefined
      : policyProblem(policy as Readonly<Record<string, unknown>>);
  if (policyFault !== undefined) {
    throw createError(
      'contract/invalid',
      `${plugin} cannot register ${String(name).slice(0, 256)}: its contract says of '${policyFault}' what makes no sense`,
      {
        plugin,
        details: { member: name, policy: policyFault },
      },
    );
  }
  const sound =
    Number.isSafeInteger(handle) &&
    (handle as number) > 0 &&
    KINDS.has(kind as string) &&
    typeof name === 'string' &&
    name.length <= 512 &&
    isPolicy &&
    (contract === undefined || (typeof contract === 'string' && contract.length <= 512)) &&
    (timeout === undefined || isTime(timeout)) &&
    (overflow === undefined || OVERFLOWS.has(overflow)) &&
    (place === undefined || isPlace(place)) &&
    (queue === undefined || (Number.isSafeInteger(queue) && queue >= 1 && queue <= MAX_QUEUE));
  if (!sound)
    throw createError('wire/refused', `${plugin} sent a registration that is not well formed`, {
      plugin,
    });
  // It is kept, so only what was checked is in it.
  return {
    handle: handle as number,
    kind: kind as Registration['kind'],
    name: name as string,
    ...(timeout !== undefined && { timeout }),
    ...(idempotent === true && { idempotent }),
    ...(reentrant === true && { reentrant }),
    ...(policy !== undefined && { policy }),
    ...(contract !== undefined && { contract }),
    ...(overflow !== undefined && { overflow }),
    ...(queue !== undefined && { queue }),
    ...(place !== undefined && { place: placeFrom(place) }),
  };
}

function placeFrom({
  name,
  before,
  after,
}: NonNullable<Registration['place']>): NonNullable<Registration['place']> {
  return {
    ...(name !== undefined && { name }),
    ...(before !== undefined && { before }),
    ...(after !== undefined && { after }),
  };
}

const isName = (value: unknown) => typeof value === 'string' && value.length <= 256;
const isNames = (value: unknown) =>
  value === undefined ||
  isName(value) ||
  (Array.isArray(value) && value.length <= 64 && value.every(isName));

function isPlace(value: unknown): boolean {
  if (value === null || typeof value !== 'object') return false;
  const { name, before, after } = value as Readonly<Record<string, unknown>>;
  return (
    (name === undefined || (typeof name === 'string' && isMemberName(name))) &&
    isNames(before) &&
    isNames(after)
  );
}
