/**
 * A fresh Node process that does one thing, named by its first argument, and prints how many bytes
 * that takes: workers of a kind, reloads, or a kernel over a folder. Run with `--expose-gc`.
 */
import { platform } from 'node:process';
import { nodePlatform } from './platform-node.ts';
import { canReadMemory, privateMemory } from './private-memory.ts';
import { bytesOfKernel } from './rows/asleep.ts';
import { bytesPerWorker, type MemoryKind, workersOf } from './rows/memory.ts';
import { bytesPerReload, RELOAD_KINDS, type ReloadKind, reloadsOf } from './rows/reload-memory.ts';
import { pause } from './statistics.ts';

/** Milliseconds until a started worker is idle. */
const SETTLE = 500;

if (!canReadMemory) throw new Error(`no /proc/self/smaps_rollup on ${platform}`);
const read = async () => {
  await pause(SETTLE);
  globalThis.gc?.();
  return privateMemory('self');
};
/**
 * The same without the runtime's reserve: V8 keeps pages of its heap, up to about ten megabytes, in
 * a varying number.
 */
const readWithoutStock = async () => {
  await pause(SETTLE);
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  return read();
};
process.stdout.write(String(await measure(process.argv.slice(2))), () => process.exit());

async function measure([kind, folder = '', installed = '']: readonly string[]): Promise<number> {
  if (kind === 'kernel') return bytesOfKernel(readWithoutStock, folder, Number(installed));
  if (RELOAD_KINDS.includes(kind as ReloadKind))
    return bytesPerReload(readWithoutStock, await reloadsOf(kind as ReloadKind, nodePlatform));
  return bytesPerWorker(read, await workersOf(kind as MemoryKind, nodePlatform));
}
