/**
 * Reads a `.plinth` archive. Every byte of it is foreign: only plain files with plain paths are
 * taken, and no more bytes are made than it has claimed and been counted for.
 */
import { createError, isRelativePath, type PluginError } from '@plinth/sdk/contract';

/** The most that an archive may hold. */
export interface ArchiveLimits {
  /** Bytes of the archive; 64 MiB when absent. */
  readonly packed?: number;
  /** Bytes of its files together; 64 MiB when absent. */
  readonly unpacked?: number;
  /** Number of its files; 2 000 when absent. */
  readonly files?: number;
}

/** Bytes of an archive, and of its files together, unless something else is said. */
export const MAX_ARCHIVE = 64 * 1_048_576;
const DEFAULTS: Required<ArchiveLimits> = {
  packed: MAX_ARCHIVE,
  unpacked: MAX_ARCHIVE,
  files: 2_000,
};
const MAX_PATH = 512;

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
const STORED = 0;
const DEFLATED = 8;
/** Bits of `flags` that are allowed: hints of the packer, and names in UTF-8. */
const FLAGS = 0x0806;
const UNIX_TYPE = 0o170000;
const UNIX_FILE = 0o100000;

/** The parts of the platform that this file uses. Every runtime has them. */
declare const DecompressionStream: new (
  format: 'deflate-raw',
) => { readonly readable: ReadableStream<Uint8Array> };
declare const Blob: new (
  parts: readonly Uint8Array[],
) => { stream(): { pipeThrough<T>(through: { readonly readable: T }): T } };

interface Entry {
  readonly path: string;
  readonly method: number;
  readonly size: number;
  /** Its packed bytes. */
  readonly part: Uint8Array;
}

/**
 * Reads the files of an archive, by path.
 *
 * @param origin where it came from, named in every error.
 * @throws PluginValidationError `archive/refused` for what isn't a plain archive of a plugin, or is
 * too large.
 * @example
 * const files = await readArchive(await readFile('notes.plinth'));
 */
export async function readArchive(
  bytes: Uint8Array,
  limits: ArchiveLimits = {},
  origin = 'the archive',
): Promise<ReadonlyMap<string, Uint8Array>> {
  const most = { ...DEFAULTS, ...limits };
  const refuse: Refuse = (why, cause) => refused(origin, why, cause);
  if (bytes.length > most.packed)
    throw refuse(`it has ${bytes.length} bytes, more than ${most.packed}`);
  const entries = entriesOf(bytes, most.files, refuse);
  const total = entries.reduce((sum, { size }) => sum + size, 0);
  if (total > most.unpacked)
    throw refuse(`its files have ${total} bytes, more than ${most.unpacked}`);
  const files = new Map<string, Uint8Array>();
  for (const { path, method, size, part } of entries) {
    if (method !== STORED && method !== DEFLATED)
      throw refuse(`'${path}' is packed in a way that is not read`);
    const content = method === DEFLATED ? await inflated(part, size, path, refuse) : part.slice();
    if (content.length !== size) throw refuse(`'${path}' has another size than the archive says`);
    files.set(path, content);
  }
  return files;
}

type Refuse = (why: string, cause?: unknown) => PluginError;

function entriesOf(bytes: Uint8Array, most: number, refuse: Refuse): readonly Entry[] {
  try {
    return listed(bytes, most, refuse);
  } catch (error) {
    if (error instanceof RangeError) throw refuse('it is cut off or damaged', error);
    throw error;
  }
}

/** @throws RangeError for an archive that is cut off. */
function listed(bytes: Uint8Array, most: number, refuse: Refuse): readonly Entry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = view.byteLength - 22;
  // An archive of a plugin has no comment, so its directory ends where the file ends.
  if (end < 0 || view.getUint32(end, true) !== END) throw refuse('it is no archive of a plugin');
  const count = view.getUint16(end + 10, true);
  if (count > most) throw refuse(`it has ${count} files, more than ${most}`);
  const entries: Entry[] = [];
  const names = new Set<string>();
  let at = view.getUint32(end + 16, true);
  for (let index = 0; index < count; index++) {
    if (view.getUint32(at, true) !== ENTRY) throw refuse('its directory is damaged');
    const length = view.getUint16(at + 28, true);
    const entry = entryAt(view, bytes, at, length, refuse);
    const key = entry.path.toLowerCase();
    if (names.has(key)) throw refuse(`it has '${entry.path}' twice`);
    names.add(key);
    entries.push(entry);
    at += 46 + length + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  if (at !== end) throw refuse('it holds more than its directory says');
  return entries;
}

function entryAt(
  view: DataView,
  bytes: Uint8Array,
  at: number,
  length: number,
  refuse: Refuse,
): Entry {
  const path = new TextDecoder('utf-8').decode(bytes.subarray(at + 46, at + 46 + length));
  if (path.length > MAX_PATH || !isRelativePath(path) || path.startsWith('./'))
    throw refuse(
      `'${path.slice(0, 80)}' is no path inside a package: no '..', no drive, no leading '/'`,
    );
  const type = (view.getUint32(at + 38, true) >>> 16) & UNIX_TYPE;
  if (type !== 0 && type !== UNIX_FILE) throw refuse(`'${path}' is a link, or no plain file`);
  if ((view.getUint16(at + 8, true) & ~FLAGS) !== 0)
    throw refuse(`'${path}' is encrypted, or packed in a way that is not read`);
  const local = view.getUint32(at + 42, true);
  if (view.getUint32(local, true) !== LOCAL) throw refuse(`'${path}' is not where it should be`);
  const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
  const packed = view.getUint32(at + 20, true);
  if (start + packed > bytes.length) throw refuse(`'${path}' is cut off`);
  return {
    path,
    method: view.getUint16(at + 10, true),
    size: view.getUint32(at + 24, true),
    part: bytes.subarray(start, start + packed),
  };
}

/** Stops as soon as there is more than the archive says. */
async function inflated(
  part: Uint8Array,
  size: number,
  path: string,
  refuse: Refuse,
): Promise<Uint8Array> {
  const reader = new Blob([part])
    .stream()
    .pipeThrough(new DecompressionStream('deflate-raw'))
    .getReader();
  const content = new Uint8Array(size);
  let at = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done || value === undefined) break;
      if (at + value.byteLength > size) throw new RangeError('more bytes than it says');
      content.set(value, at);
      at += value.byteLength;
    }
  } catch (cause) {
    reader.cancel().catch(() => {});
    throw refuse(`'${path}' is damaged, or has more bytes than the archive says`, cause);
  }
  if (at !== size) throw refuse(`'${path}' has another size than the archive says`);
  return content;
}

function refused(origin: string, why: string, cause: unknown): PluginError {
  return createError(
    'archive/refused',
    `${origin} is refused: ${why}; get it again from where it was published ('plinth bundle' makes archives)`,
    { details: { origin }, ...(cause !== undefined && { cause }) },
  );
}
