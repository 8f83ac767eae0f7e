/**
 * Unpacks a `.plinth` archive. Every byte of it is foreign: only plain files with plain paths are
 * taken, and no more bytes than a package may have, whatever the archive claims.
 */
import { inflateRawSync } from 'node:zlib';
import { isRelativePath } from '@plinth/sdk/contract';
import { CliError } from '../terminal/cli-error.js';

/** The most that an archive may hold. */
export interface ArchiveLimits {
  /** Bytes of the archive; 64 MiB when absent. */
  readonly packed?: number;
  /** Bytes of its files together; 64 MiB when absent. */
  readonly unpacked?: number;
  /** Number of its files; 2 000 when absent. */
  readonly files?: number;
}

const DEFAULTS: Required<ArchiveLimits> = {
  packed: 64 * 1_048_576,
  unpacked: 64 * 1_048_576,
  files: 2_000,
};

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
const STORED = 0;
const DEFLATED = 8;
/** Bits of `flags` that are allowed: hints of the packer, and names in UTF-8. */
const FLAGS = 0x0806;
const UNIX_TYPE = 0o170000;
const UNIX_FILE = 0o100000;

/**
 * Reads an archive. Answers its files by path.
 *
 * @throws CliError `archive/refused` for what isn't a plain archive of a plugin, or is too large.
 * @example
 * const files = readArchive(await readFile('notes.plinth'));
 */
export function readArchive(
  bytes: Uint8Array,
  limits: ArchiveLimits = {},
): ReadonlyMap<string, Uint8Array> {
  const most = { ...DEFAULTS, ...limits };
  if (bytes.length > most.packed)
    throw refused(`it has ${bytes.length} bytes, more than ${most.packed}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    return unpack(bytes, entriesOf(view, most.files), most.unpacked);
  } catch (error) {
    if (error instanceof RangeError) throw refused('it is cut off or damaged', error);
    throw error;
  }
}

interface Entry {
  readonly path: string;
  readonly method: number;
  readonly packed: number;
  readonly size: number;
  /** Where the packed bytes begin. */
  readonly start: number;
}

function entriesOf(view: DataView, most: number): readonly Entry[] {
  const end = view.byteLength - 22;
  // An archive of ours has no comment, so its directory ends where the file ends.
  if (end < 0 || view.getUint32(end, true) !== END) throw refused('it is no archive of a plugin');
  const count = view.getUint16(end + 10, true);
  if (count > most) throw refused(`it has ${count} files, more than ${most}`);
  const entries: Entry[] = [];
  const names = new Set<string>();
  let at = view.getUint32(end + 16, true);
  for (let index = 0; index < count; index++) {
    if (view.getUint32(at, true) !== ENTRY) throw refused('its directory is damaged');
    const name = view.getUint16(at + 28, true);
    const entry = entryAt(view, at, name);
    const key = entry.path.toLowerCase();
    if (names.has(key)) throw refused(`it has '${entry.path}' twice`);
    names.add(key);
    entries.push(entry);
    at += 46 + name + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  if (at !== end) throw refused('it holds more than its directory says');
  return entries;
}

function entryAt(view: DataView, at: number, length: number): Entry {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + at + 46, length);
  const path = new TextDecoder('utf-8', { fatal: false }).decode(bytes);
  if (path.length > 512 || !isRelativePath(path) || path.startsWith('./'))
    throw refused(
      `'${path.slice(0, 80)}' is no path inside a package: no '..', no drive, no leading '/'`,
    );
  const type = (view.getUint32(at + 38, true) >>> 16) & UNIX_TYPE;
  if (type !== 0 && type !== UNIX_FILE) throw refused(`'${path}' is a link, or no plain file`);
  if ((view.getUint16(at + 8, true) & ~FLAGS) !== 0)
    throw refused(`'${path}' is encrypted, or packed in a way that is not read`);
  const local = view.getUint32(at + 42, true);
  if (view.getUint32(local, true) !== LOCAL) throw refused(`'${path}' is not where it should be`);
  return {
    path,
    method: view.getUint16(at + 10, true),
    packed: view.getUint32(at + 20, true),
    size: view.getUint32(at + 24, true),
    start: local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true),
  };
}

function unpack(
  bytes: Uint8Array,
  entries: readonly Entry[],
  most: number,
): ReadonlyMap<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const total = entries.reduce((sum, { size }) => sum + size, 0);
  if (total > most) throw refused(`its files have ${total} bytes, more than ${most}`);
  for (const { path, method, packed, size, start } of entries) {
    if (start + packed > bytes.length) throw refused(`'${path}' is cut off`);
    const part = bytes.subarray(start, start + packed);
    const content = method === DEFLATED ? inflated(part, size, path) : part;
    if (method !== STORED && method !== DEFLATED)
      throw refused(`'${path}' is packed in a way that is not read`);
    if (content.length !== size) throw refused(`'${path}' has another size than the archive says`);
    files.set(path, new Uint8Array(content));
  }
  return files;
}

/** Never makes more bytes than the archive has claimed, and been counted for. */
function inflated(part: Uint8Array, size: number, path: string): Uint8Array {
  try {
    return inflateRawSync(part, { maxOutputLength: Math.max(1, size) });
  } catch (cause) {
    throw refused(`'${path}' is damaged, or has more bytes than the archive says`, cause);
  }
}

function refused(why: string, cause?: unknown): CliError {
  return new CliError('archive/refused', `the archive is refused: ${why}`, {
    cure: 'Get it again from where it was published. plinth bundle makes archives.',
    ...(cause !== undefined && { cause }),
  });
}
