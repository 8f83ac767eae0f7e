/** Reads the files of migrations, and checks that they are what the package promises. */
import type { Candidate, Documents } from '@plinth/kernel/extension';
import { createError, type Manifest, messageOf } from '@plinth/sdk/contract';
import type { Step } from '../backend/work.js';
import type { Declared } from './declared.js';

/** A migration that is ready to run. */
export interface Migration extends Step {
  /** The statements that lose data. */
  readonly destructive: readonly string[];
}

/** Texts of files, by path. */
export type Texts = Readonly<Record<string, string>>;

/** Texts of versions whose packages can't be read again, by version. */
export type KeptTexts = Readonly<Record<string, Texts>>;

/** Bytes of one file and of all files of a version. */
const MOST_FILE = 262_144;
const MOST_ALL = 1_048_576;
/** Versions of a plugin whose texts are kept. */
const KEPT = 8;

/**
 * By package, for all tenants. A package that runs in one tenant can't be read by the next: its files
 * may have changed.
 */
const read = new WeakMap<Candidate['package'], Promise<Texts>>();

/** Owns the texts of the packages that were found, and a copy for those that were installed. */
export class MigrationTexts {
  readonly #kept: Documents<KeptTexts>;
  /** Packages can be read when they are found. Later they may have changed, or have no files. */
  readonly #found = new WeakMap<Manifest, Promise<Texts>>();

  constructor(kept: Documents<KeptTexts>) {
    this.#kept = kept;
  }

  /** A package was found. Its texts are read now, if they can be. */
  take({ manifest, package: found }: Candidate, declared: readonly Declared[]): void {
    if (declared.length === 0) return;
    if (found.read !== undefined) {
      const texts = readAll(manifest, declared, found.read.bind(found));
      // Told when they are needed.
      texts.catch(() => {});
      read.set(found, texts);
    }
    const texts = read.get(found);
    if (texts !== undefined) this.#found.set(manifest, texts);
  }

  /**
   * The migrations of a version, in order.
   *
   * @throws PluginLifecycleError `sql/migration-missing`, PluginSignatureError
   * `plugin/digest-mismatch`.
   */
  async of(manifest: Manifest, declared: readonly Declared[]): Promise<readonly Migration[]> {
    if (declared.length === 0) return [];
    const { id, version } = manifest;
    const { effectsOf } = await import('../text/effects.js');
    const texts = await (this.#found.get(manifest) ?? this.#keptOf(manifest));
    return Promise.all(
      declared.map(async ({ name, path }) => {
        const raw = texts[path];
        if (raw === undefined)
          throw createError(
            'sql/migration-missing',
            `${id}@${version} has no text of its migration '${name}' (${path}): install the package again`,
            { plugin: id, details: { migration: name, path } },
          );
        await checkDigest(manifest, path, raw);
        const sql = plain(raw);
        if (sql.includes('\0'))
          throw createError('sql/migration-missing', `${path} of ${id} has a NUL character`, {
            plugin: id,
          });
        return { name, sql, checksum: await digestOf(sql), ...effectsOf(sql) };
      }),
    );
  }

  /** Keeps the texts of a version, for a start without its package. */
  async keep(manifest: Manifest): Promise<void> {
    const texts = await this.#found.get(manifest)?.catch(() => undefined);
    if (texts === undefined || same(texts, await this.#keptOf(manifest))) return;
    await this.#kept.update((before = {}) => {
      const { [manifest.version]: _, ...others } = before;
      return Object.fromEntries([
        ...Object.entries(others).slice(1 - KEPT),
        [manifest.version, texts],
      ]);
    }, manifest.id);
  }

  async #keptOf({ id, version }: Manifest): Promise<Texts> {
    return (await this.#kept.get(id))?.[version] ?? {};
  }
}

const same = (one: Texts, other: Texts): boolean =>
  Object.keys(one).length === Object.keys(other).length &&
  Object.entries(one).every(([path, text]) => other[path] === text);

async function readAll(
  { id, version }: Manifest,
  declared: readonly Declared[],
  readFile: (path: string, most?: number) => Promise<Uint8Array>,
): Promise<Texts> {
  const texts: Record<string, string> = {};
  let bytes = 0;
  for (const { path } of declared) {
    const fail = (what: string, cause?: unknown) =>
      createError('sql/migration-missing', `the migration ${path} of ${id}@${version} ${what}`, {
        plugin: id,
        details: { path },
        ...(cause !== undefined && { cause }),
      });
    const file = await readFile(path, MOST_FILE).catch((cause: unknown) => {
      throw fail(`can't be read: ${messageOf(cause)}`, cause);
    });
    bytes += file.byteLength;
    if (file.byteLength > MOST_FILE) throw fail(`has more than ${MOST_FILE} bytes`);
    if (bytes > MOST_ALL) throw fail(`brings all migrations above ${MOST_ALL} bytes`);
    try {
      texts[path] = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(file);
    } catch (cause) {
      throw fail('is not UTF-8 text', cause);
    }
  }
  return texts;
}

/** A manifest with digests has one for each file. @throws PluginSignatureError. */
async function checkDigest({ id, files }: Manifest, path: string, raw: string): Promise<void> {
  if (files === undefined) return;
  const [expected, found] = [files[path], await digestOf(raw)];
  if (expected === found) return;
  throw createError(
    'plugin/digest-mismatch',
    `the migration ${path} of ${id} is not what its manifest promises in 'files': expected ${expected ?? 'no such file'}, found ${found}`,
    { plugin: id, details: { file: path } },
  );
}

/** The text with line ends of one kind, so that a checkout on another system changes nothing. */
const plain = (raw: string) =>
  `${raw
    .replace(/^\uFEFF/, '')
    .replaceAll('\r\n', '\n')
    .trimEnd()}\n`;

async function digestOf(text: string): Promise<string> {
  const bytes = new Uint8Array(
    await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)),
  );
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
