/** `plinth keygen`: a pair of keys for signing plugins. */
import { resolve } from 'node:path';
import { createSigningKey } from '@plinth/sdk/signing';
import { isFile } from '../bundle/find-entry.js';
import type { RunCommand } from '../command.js';
import { writeWhole } from '../files/write-files.js';
import { CliError } from '../terminal/cli-error.js';

/** Writes the secret key, which only its owner may read, and the public one beside it. */
export const run: RunCommand = async (_, options, terminal) => {
  const secret = resolve(String(options.out ?? 'plinth.key'));
  const open = `${secret.replace(/\.key$/, '')}.pub`;
  for (const file of [secret, open])
    if (await isFile(file))
      throw new CliError(
        'key/exists',
        `${file} exists: what it has signed could not be signed again`,
        {
          cure: 'Name another file with --out.',
        },
      );
  const { keyId, publicKey, privateKey } = await createSigningKey();
  await writeWhole(open, `${JSON.stringify({ keyId, publicKey }, null, 2)}\n`);
  await writeWhole(secret, `${JSON.stringify({ keyId, publicKey, privateKey }, null, 2)}\n`, 0o600);
  return {
    data: { keyId, publicKey, secret, public: open },
    text: [
      `${terminal.paint('green', 'made')} the key ${keyId}`,
      `  ${secret} signs: keep it secret`,
      `  ${open} is for those who trust it`,
    ].join('\n'),
  };
};
