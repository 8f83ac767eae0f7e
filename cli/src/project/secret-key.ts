/** The key that a project's kept secrets are encrypted with, in a file that only its owner reads. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeWhole } from '../files/write-files.js';
import { CliError } from '../terminal/cli-error.js';
import type { Project } from './project-config.js';

const BYTES = 32;
const fileOf = ({ own }: Project) => join(own, 'secrets.key');

/**
 * The key; undefined when there is none yet, unless it is to be made.
 *
 * @throws CliError `secrets/bad-key`.
 */
export async function secretKey(project: Project, make: boolean): Promise<Uint8Array | undefined> {
  const file = fileOf(project);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new CliError('secrets/bad-key', `${file} can't be read: ${error.message}`, {
      cause: error,
    });
  });
  if (text === undefined) {
    if (!make) return undefined;
    const key = randomBytes(BYTES);
    await writeWhole(file, `${key.toString('base64')}\n`, 0o600);
    return key;
  }
  const key = Buffer.from(text.trim(), 'base64');
  if (key.length === BYTES) return key;
  throw new CliError('secrets/bad-key', `${file} holds no key of ${BYTES} bytes`, {
    cure: 'Restore it from a copy. Secrets that were kept with another key are lost without it.',
  });
}
