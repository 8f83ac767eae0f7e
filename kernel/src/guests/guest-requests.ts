/** What a guest may ask over the hot plane, one function an operation: shape, permission, use. */
import { createError, Op, opOf, PERMISSION_NAMES, type PermissionName } from '@plinth/sdk/contract';
import { decodeError, type Inbound, sizeOf } from '@plinth/sdk/rpc';
import { listCommands } from '../commands/list-commands.js';
import { MAX_SCOPE } from '../permissions/broker.js';
import { levelAt } from '../telemetry/logger.js';
import { fetchUrl, requestPermission, secret, storage } from './ability-requests.js';
import {
  emit,
  execute,
  hook,
  MAX_NAME,
  mayExecute,
  message,
  nameOf,
  next,
} from './call-requests.js';
import { type GuestIdentity, malformed, notWellFormed } from './guest-identity.js';
import { commandOf } from './in-progress.js';

/** Answers a request, or throws the guest's error. Nothing in `meta` was checked before. */
export function answerGuest(
  guest: GuestIdentity,
  target: number,
  input: unknown,
  meta: unknown,
  inbound: Inbound,
): unknown {
  const facts = meta === undefined ? NO_META : typeof meta === 'number' ? [0, meta] : meta;
  if (!Array.isArray(facts) || !Number.isSafeInteger(target) || target < 0 || isOverlong(facts))
    throw malformed(guest);
  switch (opOf(target)) {
    case Op.execute:
      return execute(guest, nameOf(guest, target, facts[2]), input, facts, inbound);
    case Op.emit:
      return emit(
        guest,
        nameOf(guest, target, facts[1]),
        input,
        typeof meta === 'number' ? meta : facts[0],
      );
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
      return guest.services.abilities.machine.files(guest, facts, input);
    case Op.env:
      if (typeof facts[0] !== 'string' || facts[0].length > MAX_NAME) throw malformed(guest);
      guest.permissions.demand('env.read', facts[0]);
      return guest.services.abilities.machine.environment(facts[0]);
    case Op.request:
      return requestPermission(guest, facts);
    case Op.laneFence:
      return guest.services.exchange.lanes.fence(guest, facts[0]);
    default:
      throw malformed(guest);
  }
}

const NO_META: readonly unknown[] = Object.freeze([]);

/** Most facts of a request, and most characters of all of them together. */
const MAX_FACTS = 16;
const MAX_FACTS_TEXT = 16_384;

/** Whether a request has too many facts. Checked before any is kept, looked up or compared. */
function isOverlong(facts: readonly unknown[]): boolean {
  if (facts.length > MAX_FACTS) return true;
  let length = 0;
  for (const fact of facts) if (typeof fact === 'string') length += fact.length;
  return length > MAX_FACTS_TEXT;
}

const MAX_LOG_FIELDS = 32_768;

/** Takes one note. */
export function takeNote(guest: GuestIdentity, op: number, payload: unknown, meta: unknown): void {
  if (!Array.isArray(meta)) throw notWellFormed(guest);
  if (op === Op.log) {
    if (!guest.permissions.check('logs.write', '')) {
      guest.permissions.deny('logs.write', '');
      return;
    }
    if (!guest.meter.logEntry()) return;
    const given =
      payload !== null && typeof payload === 'object'
        ? (payload as Record<string, unknown>)
        : undefined;
    // The log keeps entries in memory. A plugin must not fill the host's memory with them.
    const fields =
      given !== undefined && sizeOf(given) > MAX_LOG_FIELDS
        ? { dropped: `fields larger than ${MAX_LOG_FIELDS} bytes` }
        : given;
    const message = typeof meta[1] === 'string' ? meta[1] : '';
    guest.view.log(message, fields, (text, shown) =>
      guest.services.reporting.log.write(
        guest.manifest.id,
        levelAt(meta[0]),
        text,
        shown,
        meta[2] === 1,
      ),
    );
  } else if (op === Op.fatal) {
    const command = commandOf(guest.link.worksFor(meta[2] as number));
    guest.crashed(decodeError(meta[0], guest.manifest.id), meta[1] === 1, command);
  } else if (op === Op.longTask) tellLongTask(guest, meta);
  else if (op === Op.metric)
    guest.services.reporting.metrics.recorder?.measure(guest.manifest.id, payload);
  else if (op === Op.causeOver) guest.causes.over(meta[0]);
  else if (op === Op.laneCalls) guest.services.exchange.lanes.report(guest, meta);
  else if (op === Op.laneOver) guest.services.exchange.lanes.over(guest, meta);
  else throw notWellFormed(guest);
}

const MAX_SHOWN = 256;

/** A handler has held its guest's thread. */
function tellLongTask(
  { manifest: { id, version }, services }: GuestIdentity,
  [took, kind, name]: readonly unknown[],
): void {
  if (!Number.isFinite(took) || typeof name !== 'string') return;
  services.reporting.announce('plugin:long-task', {
    id,
    version,
    took: took as number,
    kind: kind === 'event' || kind === 'hook' || kind === 'middleware' ? kind : 'command',
    name: name.slice(0, MAX_SHOWN),
  });
}

/** The commands that it may execute. As JSON, so that a repeated object can't fail the list. */
function list({ services, permissions }: GuestIdentity): unknown {
  return JSON.parse(
    JSON.stringify(
      listCommands(services.exchange.commands).filter(({ id }) => mayExecute(permissions, id)),
    ),
  );
}

/** The right for a request, by its facts. Calls, the most frequent kind, name only the command. */
export function rightOf(about: string): readonly [permission: PermissionName, scope: string] {
  const space = about.indexOf(' ');
  return space === -1
    ? ['commands.execute', about]
    : [about.slice(0, space) as PermissionName, about.slice(space + 1)];
}

function hasPermission(guest: GuestIdentity, [permission, scope]: readonly unknown[]): boolean {
  const { id } = guest.manifest;
  if (!PERMISSION_NAMES.includes(permission as PermissionName))
    throw createError(
      'permission/invalid',
      `'${typeof permission === 'string' ? permission.slice(0, 64) : typeof permission}' is not a permission`,
      { plugin: id },
    );
  if (typeof scope !== 'string' || scope.length > MAX_SCOPE)
    throw createError(
      'permission/invalid',
      `a scope is a text of at most ${MAX_SCOPE} characters`,
      { plugin: id },
    );
  return guest.permissions.check(permission as PermissionName, scope);
}
