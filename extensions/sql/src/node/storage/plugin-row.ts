/** A plugin of the registry as a row: what the kernel keeps of it, and columns that people read. */
import { compareVersions, createError, type PluginError } from '@plinth/sdk/contract';

/** The columns that are made from an entry, and read again. */
export interface PluginRow {
  readonly name: string;
  readonly version: string;
  readonly path: string;
  readonly status: string;
  readonly metadata_json: string;
}

/** What is read of an entry. The kernel checks all of it. */
interface Entry {
  readonly installed?: Readonly<Record<string, string>>;
  readonly retired?: readonly string[];
  readonly disabled?: readonly string[];
  readonly apart?: readonly string[];
  readonly whole?: unknown;
  readonly places?: Readonly<Record<string, readonly string[]>>;
  readonly brought?: Readonly<Record<string, string>>;
}

/** The row of an entry. What the entry doesn't say stays as the row before had it. */
export function rowOf(id: string, value: unknown, before: PluginRow | undefined): PluginRow {
  const entry: Entry = isEntry(value) ? value : {};
  const version = versionOf(entry, before?.version);
  const known = version ?? before?.version ?? entry.retired?.at(-1) ?? '';
  const isSame = before?.version === known;
  return {
    name: plain(nameIn(at(entry.installed, known)) ?? before?.name ?? id),
    version: known,
    path: plain(
      at(entry.places, known)?.at(-1) ?? at(entry.brought, known) ?? (isSame ? before.path : ''),
    ),
    status: version === undefined ? 'uninstalled' : statusOf(entry, version),
    metadata_json: JSON.stringify(value) ?? 'null',
  };
}

/**
 * The entry of a row. A `status` that was set by hand to `enabled` or `disabled` counts.
 *
 * @returns an error of the code `registry/damaged` for a row that can't be read.
 */
export function entryOf(id: string, row: PluginRow): unknown {
  let entry: unknown;
  try {
    entry = JSON.parse(row.metadata_json);
  } catch (cause) {
    return damaged(id, `'metadata_json' is no JSON (${(cause as Error).message})`, cause);
  }
  if (!isRecord(entry)) return damaged(id, "'metadata_json' is no object");
  if (!STATUSES.has(row.status))
    return damaged(id, `'status' is '${row.status.slice(0, 40)}': write enabled or disabled`);
  // The kernel says what else is wrong with it.
  if (!isEntry(entry)) return entry;
  const version = versionOf(entry, row.version);
  const status = version === undefined ? 'uninstalled' : statusOf(entry, version);
  if (status === row.status) return entry;
  if (status === 'uninstalled' || row.status === 'uninstalled')
    return damaged(
      id,
      `'status' was set from ${status} to ${row.status}: that is the kernel's part`,
    );
  return row.status === 'disabled'
    ? { ...entry, whole: 'disabled', apart: [] }
    : { ...entry, whole: undefined, apart: [], disabled: [] };
}

/** A text that each database takes. */
const plain = (text: string): string => text.replaceAll('\0', ' ').toWellFormed();

const STATUSES: ReadonlySet<string> = new Set(['enabled', 'disabled', 'uninstalled']);

/** The version that counts: the highest one that is there, as far as the entry knows. */
function versionOf(entry: Entry, before: string | undefined): string | undefined {
  const { installed = {}, places = {}, disabled = [], retired = [] } = entry;
  const all = [...Object.keys(installed), ...Object.keys(places), ...disabled];
  const known = before === undefined || before === '' ? all : [...all, before];
  const there = known.filter((one) => Object.hasOwn(installed, one) || !retired.includes(one));
  const left =
    entry.whole === 'uninstalled'
      ? there.filter((one) => Object.hasOwn(installed, one) || entry.apart?.includes(one))
      : there;
  // A version that is no version is the kernel's to refuse.
  return left.sort(order).at(-1);
}

function order(one: string, other: string): number {
  try {
    return compareVersions(one, other);
  } catch {
    return one < other ? -1 : 1;
  }
}

const statusOf = ({ disabled = [], whole, apart = [] }: Entry, version: string): string =>
  disabled.includes(version) || (whole === 'disabled' && !apart.includes(version))
    ? 'disabled'
    : 'enabled';

const at = <T>(record: Readonly<Record<string, T>> | undefined, name: string): T | undefined =>
  record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isTexts = (value: unknown): boolean =>
  Array.isArray(value) && value.every((one) => typeof one === 'string');

/** Whether what is read here has the right shape. */
function isEntry(value: unknown): value is Entry {
  if (!isRecord(value)) return false;
  const { installed = {}, brought = {}, places = {} } = value;
  const { disabled = [], retired = [], apart = [] } = value;
  return (
    [installed, brought].every(
      (one) => isRecord(one) && Object.values(one).every((text) => typeof text === 'string'),
    ) &&
    isRecord(places) &&
    Object.values(places).every(isTexts) &&
    [disabled, retired, apart].every(isTexts)
  );
}

function nameIn(manifest: string | undefined): string | undefined {
  try {
    const { name } = JSON.parse(manifest ?? '{}') as { readonly name?: unknown };
    return typeof name === 'string' ? name : undefined;
  } catch {
    return undefined;
  }
}

function damaged(id: string, what: string, cause?: unknown): PluginError {
  return createError('registry/damaged', `the row of ${id} in the registry: ${what}`, {
    plugin: id,
    ...(cause !== undefined && { cause }),
  });
}
