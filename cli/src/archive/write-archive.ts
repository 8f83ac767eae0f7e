/** Packs the files of a plugin into one file: a ZIP whose bytes depend on nothing but the files. */
import { zipSync } from 'fflate';
import type { FileTree } from '../files/write-files.js';

/** The only date that archives know, in local time, because ZIP stores that. */
const EPOCH = new Date(1980, 0, 1);

/**
 * Writes a `.plinth` archive. The same files give the same bytes.
 *
 * @example
 * await writeFile('notes.plinth', writeArchive(files));
 */
export function writeArchive(files: FileTree): Uint8Array {
  const entries = [...files]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([path, content]) => {
      const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
      return [path, [bytes, { level: 9, mtime: EPOCH, os: 3, attrs: 0o100644 << 16 }]] as const;
    });
  return zipSync(Object.fromEntries(entries) as Parameters<typeof zipSync>[0]);
}
