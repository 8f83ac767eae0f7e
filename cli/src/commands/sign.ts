/** `plinth sign`: signs a package, as a folder or as an archive. */
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { SIGNATURE_FILE } from '@plinth/sdk/contract';
import { signPackage } from '@plinth/sdk/signing';
import { writeArchive } from '../archive/write-archive.js';
import type { RunCommand } from '../command.js';
import { writeWhole } from '../files/write-files.js';
import { readSecretKey } from '../project/key-file.js';
import { CliError } from '../terminal/cli-error.js';
import { manifestIn, readPackage } from '../validate/read-package.js';

/** Writes the signature into the package. */
export const run: RunCommand = async ([path = ''], options, terminal) => {
  const key = await readSecretKey(String(options.key ?? 'plinth.key'));
  const expires = options.expires === undefined ? undefined : timeOf(String(options.expires));
  const place = resolve(path);
  const found = await readPackage(place);
  const { id, version, main } = manifestIn(found);
  if (!found.files.has(main))
    throw new CliError('package/missing', `${place} has no ${main}, which its manifest names`, {
      cure: 'Bundle the plugin, and sign dist/plugin or its archive.',
    });
  const signature = await signPackage({
    files: found.files,
    key,
    ...(expires !== undefined && { expires }),
  }).catch((error: Error & { readonly code?: string }) => {
    if (error.code !== undefined && typeof error.code === 'string') throw error;
    throw new CliError('key/unreadable', `the secret key is damaged: ${error.message}`, {
      cause: error,
      cure: 'Restore the file from a copy.',
    });
  });
  const isFolder = (await stat(place)).isDirectory();
  if (isFolder) await writeWhole(join(place, SIGNATURE_FILE), signature);
  else
    await writeWhole(
      place,
      writeArchive(
        new Map<string, string | Uint8Array>([...found.files, [SIGNATURE_FILE, signature]]),
      ),
    );
  return {
    data: { id, version, keyId: key.keyId, ...(expires !== undefined && { expires }) },
    text: `${terminal.paint('green', 'signed')} ${id} ${version} with the key ${key.keyId}`,
  };
};

/** Milliseconds since the epoch of a date in the future. */
function timeOf(text: string): number {
  const time = Date.parse(text);
  if (time > Date.now()) return time;
  throw new CliError('cli/usage', `--expires takes a date in the future, not '${text}'`, {
    usage: true,
    cure: '--expires 2030-01-31',
  });
}
