/**
 * A process that owns a data folder and writes to it until it is killed. Each acknowledged write is
 * one line on stdout, written at once, so that everything the parent has read was acknowledged
 * before the kill.
 */

import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { storageAt } from './storage-at.ts';

const [folder, mode, first = '1'] = process.argv.slice(2) as [string, 'hold' | 'write', string?];
const tell = (message: object) => writeSync(1, `${JSON.stringify(message)}\n`);

try {
  const storage = await storageAt(folder);
  tell({ ready: true });
  if (mode === 'hold') setInterval(() => {}, 60_000);
  else await Promise.all(Array.from({ length: 4 }, (_, index) => write(`key-${index}`)));

  async function write(key: string): Promise<void> {
    for (let version = Number(first); ; version++) {
      // 1 B to 1 MB, small ones more often.
      const bytes = Buffer.alloc(Math.floor(10 ** (Math.random() * 6)), version & 255);
      tell({ key, version, wants: true });
      await storage.set(key, {
        version,
        bytes: new Uint8Array(bytes),
        digest: createHash('sha256').update(bytes).digest('hex'),
      });
      tell({ key, version });
    }
  }
} catch (error) {
  tell({ failed: (error as { code?: string }).code ?? String(error) });
  process.exitCode = 1;
}
