/** A fresh process that opens a data folder and prints its content: one line of JSON. */

import { createHash } from 'node:crypto';
import { storageAt } from './storage-at.ts';

const problems: string[] = [];
const storage = await storageAt(process.argv[2] as string);
storage.onCorrupt?.((error) => problems.push(error.message));
const versions: Record<string, number> = {};
for (const key of await storage.keys('')) {
  const { version, bytes, digest } = (await storage.get(key)) as {
    version: number;
    bytes: Uint8Array;
    digest: string;
  };
  if (createHash('sha256').update(bytes).digest('hex') !== digest) problems.push(`${key} is torn`);
  versions[key] = version;
}
await storage.close();
process.stdout.write(JSON.stringify({ versions, problems }));
