/**
 * Reads an uploaded `.plinth` archive as a package. Every byte of it is foreign: only plain files
 * with plain paths are taken, and no more bytes are made than it has claimed and been counted for.
 */
import type { PluginPackage } from '@plinth/kernel';
import { isRelativePath, SIGNATURE_FILE } from '@plinth/sdk/contract';
import { refuse } from '../problem.js';

/** The most that an archive may hold. */
const MOST_FILES = 2_000;
const MOST_BYTES = 64 * 1_048_576;
const MOST_PATH = 512;

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
const STORED = 0;
const DEFLATED = 8;
/** Bits of `flags` that are allowed: hints of the packer, and names in UTF-8. */
const FLAGS = 0x0806;
const UNIX_TYPE = 0o170000;
const UNIX_FILE = 0o100000;
const MANIFEST = 'plugin.json';

interface Entry {
  readonly path: string;
  readonly method: number;
  readonly size: number;
  /** Its packed bytes. */
  readonly part: Uint8Array<ArrayBuffer>;
}

/** @throws Refusal 422 for what isn't a plain archive of a plugin, or is too large. */
export async function packageOfArchive(
  bytes: Uint8Array<ArrayBuffer>,
  origin: string,
): Promise<PluginPackage> {
  const files = await filesOf(bytes);
  const text = (path: string): string => {
    const content = files.get(path);
    if (content === undefined) throw refused(`it has no ${path.slice(0, 80)}`);
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(content);
  };
  return {
    origin,
    manifest: text(MANIFEST),
    held: true,
    code: async (main) => text(main),
    list: async () => [...files.keys()],
    read: async (path) => {
      const content = files.get(path);
      if (content === undefined) throw refused(`it has no ${path.slice(0, 80)}`);
      return content;
    },
    signature: async () => (files.has(SIGNATURE_FILE) ? text(SIGNATURE_FILE) : undefined),
  };
}

async function filesOf(bytes: Uint8Array<ArrayBuffer>): Promise<ReadonlyMap<string, Uint8Array>> {
  let entries: readonly Entry[];
  try {
    entries = entriesOf(bytes);
  } catch (error) {
    if (error instanceof RangeError) throw refused('it is cut off or damaged');
    throw error;
  }
  const total = entries.reduce((sum, { size }) => sum + size, 0);
  if (total > MOST_BYTES) throw refused(`its files have more than ${MOST_BYTES} bytes`);
  const files = new Map<string, Uint8Array>();
  for (const { path, method, size, part } of entries) {
    if (method !== STORED && method !== DEFLATED)
      throw refused(`'${path}' is packed in a way that is not read`);
    const content = method === DEFLATED ? await inflated(part, size, path) : part;
    if (content.length !== size) throw refused(`'${path}' has another size than it says`);
    files.set(path, content);
  }
  return files;
}

/** @throws RangeError for an archive that is cut off. */
function entriesOf(bytes: Uint8Array<ArrayBuffer>): readonly Entry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = view.byteLength - 22;
  // An archive has no comment, so its directory ends where the file ends.
  if (end < 0 || view.getUint32(end, true) !== END) throw refused('it is no archive of a plugin');
  const count = view.getUint16(end + 10, true);
  if (count > MOST_FILES) throw refused(`it has more than ${MOST_FILES} files`);
  const entries: Entry[] = [];
  const names = new Set<string>();
  let at = view.getUint32(end + 16, true);
  for (let index = 0; index < count; index++) {
    if (view.getUint32(at, true) !== ENTRY) throw refused('its directory is damaged');
    const name = view.getUint16(at + 28, true);
    const entry = entryAt(view, bytes, at, name);
    const key = entry.path.toLowerCase();
    if (names.has(key)) throw refused(`it has '${entry.path}' twice`);
    names.add(key);
    entries.push(entry);
    at += 46 + name + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  if (at !== end) throw refused('it holds more than its directory says');
  return entries;
}

function entryAt(
  view: DataView,
  bytes: Uint8Array<ArrayBuffer>,
  at: number,
  length: number,
): Entry {
  const path = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + length));
  if (path.length > MOST_PATH || !isRelativePath(path) || path.startsWith('./'))
    throw refused(`'${path.slice(0, 80)}' is no path inside a package`);
  const type = (view.getUint32(at + 38, true) >>> 16) & UNIX_TYPE;
  if (type !== 0 && type !== UNIX_FILE) throw refused(`'${path}' is a link, or no plain file`);
  if ((view.getUint16(at + 8, true) & ~FLAGS) !== 0)
    throw refused(`'${path}' is encrypted, or packed in a way that is not read`);
  const local = view.getUint32(at + 42, true);
  if (view.getUint32(local, true) !== LOCAL) throw refused(`'${path}' is not where it should be`);
  const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
  const packed = view.getUint32(at + 20, true);
  if (start + packed > bytes.length) throw refused(`'${path}' is cut off`);
  return {
    path,
    method: view.getUint16(at + 10, true),
    size: view.getUint32(at + 24, true),
    part: bytes.subarray(start, start + packed),
  };
}

/** Stops as soon as there is more than the archive says. */
async function inflated(
  part: Uint8Array<ArrayBuffer>,
  size: number,
  path: string,
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
      if (done) break;
      if (at + value.byteLength > size) throw new RangeError('more bytes than it says');
      content.set(value, at);
      at += value.byteLength;
    }
  } catch {
    reader.cancel().catch(() => {});
    throw refused(`'${path}' is damaged, or has more bytes than it says`);
  }
  if (at !== size) throw refused(`'${path}' has another size than it says`);
  return content;
}

const refused = (why: string) =>
  refuse(422, 'http/archive', `The archive is refused: ${why}. plinth bundle makes archives.`);
