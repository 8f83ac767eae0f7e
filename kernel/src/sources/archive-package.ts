/**
 * `@plinth/kernel/archive`: packages from `.plinth` archives, in every runtime.
 *
 * @module
 */
import { createError, SIGNATURE_FILE } from '@plinth/sdk/contract';
import type { PluginPackage } from '../host.js';
import { type ArchiveLimits, readArchive } from './archive.js';

export { type ArchiveLimits, MAX_ARCHIVE, readArchive } from './archive.js';

/** What {@link packageOfArchive} is told about an archive. */
export interface ArchiveOptions extends ArchiveLimits {
  /** Where it comes from, for messages and as the package's place; `archive` when absent. */
  readonly origin?: string;
}

const MANIFEST = 'plugin.json';

/**
 * Reads an archive as a package. `plinth bundle` makes archives. Digests and signatures are checked
 * when the package is installed, as those of any package.
 *
 * @throws PluginValidationError `archive/refused` for what isn't a plain archive of a plugin, or is
 * too large; PluginManifestError `manifest/missing`.
 * @example
 * const bytes = new Uint8Array(await file.arrayBuffer());
 * await kernel.plugins.install(await packageOfArchive(bytes, { origin: file.name }));
 */
export async function packageOfArchive(
  bytes: Uint8Array,
  { origin = 'archive', ...limits }: ArchiveOptions = {},
): Promise<PluginPackage> {
  const files = await readArchive(bytes, limits, origin);
  const read = async (path: string): Promise<Uint8Array> => {
    const content = files.get(path);
    if (content !== undefined) return content;
    throw createError('plugin/load-failed', `${origin} has no ${path.slice(0, 80)}`, {
      details: { origin },
    });
  };
  const manifest = files.get(MANIFEST);
  if (manifest === undefined)
    throw createError('manifest/missing', `${origin} has no ${MANIFEST}`, { details: { origin } });
  const text = (content: Uint8Array, file: string): string => {
    try {
      return new TextDecoder('utf-8', { ignoreBOM: true, fatal: true }).decode(content);
    } catch (cause) {
      throw createError('plugin/load-failed', `${file} of ${origin} is not UTF-8`, {
        details: { origin },
        cause,
      });
    }
  };
  return {
    origin,
    manifest: text(manifest, MANIFEST),
    held: true,
    code: async (main) => text(await read(main), main),
    list: async () => [...files.keys()],
    read,
    signature: async () =>
      files.has(SIGNATURE_FILE) ? text(await read(SIGNATURE_FILE), SIGNATURE_FILE) : undefined,
  };
}
