/** Jobs of several processes over a file of SQLite. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { clusterSuite } from './cluster-suite.ts';

clusterSuite('SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'plinth-cluster-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return { file: join(folder, 'kernel.sqlite') };
});
