/** `plinth verify`: whether a package is signed by a key that is trusted, and unchanged since. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { SIGNATURE_FILE } from '@plinth/sdk/contract';
import { type TrustStore, verifyPackage } from '@plinth/sdk/signing';
import type { Options, RunCommand } from '../command.js';
import { readKey } from '../project/key-file.js';
import { CliError } from '../terminal/cli-error.js';
import { manifestIn, readPackage, textIn } from '../validate/read-package.js';

/** Verifies the package at a path. */
export const run: RunCommand = async ([path = ''], options, terminal) => {
  const keys = await keysOf(options);
  const found = await readPackage(resolve(path));
  const { id, version } = manifestIn(found);
  if (!found.files.has(SIGNATURE_FILE))
    throw new CliError('signature/missing', `${found.origin} is not signed`, {
      cure: 'plinth sign <path> --key plinth.key',
    });
  const { keyId, publisher } = await verifyPackage({
    signature: textIn(found, SIGNATURE_FILE),
    id,
    version,
    files: found.files,
    paths: [...found.files.keys()],
    keys,
    now: Date.now(),
  });
  return {
    data: { id, version, keyId, publisher },
    text: `${terminal.paint('green', 'verified')} ${id} ${version}, signed with ${keyId} of ${publisher}`,
  };
};

/** The keys that are trusted: one public key, or a store of them. */
async function keysOf({ key, trust }: Options): Promise<TrustStore> {
  if (typeof trust === 'string') {
    const file = resolve(trust);
    try {
      return JSON.parse(await readFile(file, 'utf8')) as TrustStore;
    } catch (cause) {
      throw new CliError('key/unreadable', `${file} can't be read: ${(cause as Error).message}`, {
        cause,
        cure: 'A trust store is JSON: { "<key id>": { "publicKey": …, "publisher": …, "scopes": [] } }.',
      });
    }
  }
  const { keyId, publicKey } = await readKey(String(key ?? 'plinth.pub'));
  return { [keyId]: { publicKey, publisher: 'the given key', scopes: ['*'] } };
}
