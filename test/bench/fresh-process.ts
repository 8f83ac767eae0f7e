/**
 * A fresh Node process that does one thing, named by its first argument, and prints one number:
 * bytes of workers, of reloads, or of a kernel over a folder; or cold calls a second. Run with
 * `--expose-gc`.
 */
import { nodePlatform } from './platform-node.ts';
import { privateMemory } from './private-memory.ts';
import { type AsleepKind, bytesAsleep, isAsleepKind } from './rows/asleep.ts';
import { COLD_KINDS, type ColdKind, coldRate } from './rows/cold.ts';
import { bytesPerWorker, type MemoryKind, workersOf } from './rows/memory.ts';
import { bytesPerReload, RELOAD_KINDS, type ReloadKind, reloadsOf } from './rows/reload-memory.ts';
import { heapPerPlugin } from './rows/start10k.ts';
import { COLD } from './settings.ts';
import { pause } from './statistics.ts';

/** Milliseconds until a started worker is idle. */
const SETTLE = 500;

const read = async () => {
  await pause(SETTLE);
  globalThis.gc?.();
  return privateMemory('self');
};
/** Collects also what an ordinary collection keeps for a while. */
const collect = () => globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
/**
 * The same without the runtime's reserve: V8 keeps pages of its heap, up to about ten megabytes, in
 * a varying number.
 */
const readWithoutStock = async () => {
  await pause(SETTLE);
  collect();
  return read();
};
const readHeap = async () => {
  await pause(SETTLE);
  collect();
  return process.memoryUsage().heapUsed;
};
process.stdout.write(String(await measure(process.argv.slice(2))), () => process.exit());

async function measure([kind = '', argument = '']: readonly string[]): Promise<number> {
  if (COLD_KINDS.includes(kind as ColdKind))
    return coldRate(kind as ColdKind, nodePlatform, COLD, argument);
  if (kind === 'heap') return heapPerPlugin(readHeap, argument);
  if (isAsleepKind(kind))
    return bytesAsleep(readWithoutStock, kind as AsleepKind, argument, nodePlatform);
  if (RELOAD_KINDS.includes(kind as ReloadKind))
    return bytesPerReload(readWithoutStock, await reloadsOf(kind as ReloadKind, nodePlatform));
  return bytesPerWorker(read, await workersOf(kind as MemoryKind, nodePlatform));
}
