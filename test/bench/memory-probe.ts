/** A fresh Node process with workers of one kind; prints bytes a worker and exits. Run with `--expose-gc`. */
import { platform } from 'node:process';
import { nodePlatform } from './platform-node.ts';
import { canReadMemory, privateMemory } from './private-memory.ts';
import { bytesPerWorker, type MemoryKind, workersOf } from './rows/memory.ts';
import { pause } from './statistics.ts';

/** Milliseconds until a started worker has come to rest. */
const SETTLE = 500;

if (!canReadMemory) throw new Error(`no /proc/self/smaps_rollup on ${platform}`);
const read = async () => {
  await pause(SETTLE);
  globalThis.gc?.();
  return privateMemory('self');
};
const bytes = await bytesPerWorker(read, await workersOf(process.argv[2] as MemoryKind, nodePlatform));
process.stdout.write(String(bytes), () => process.exit());
