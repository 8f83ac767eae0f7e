/**
 * From nothing to a started kernel with ten thousand plugins on disk, none of them active. Compared
 * with the fastest plain way to read and parse the same manifests: one after another, synchronously.
 * Runs in Node. The code of both is warm, and so are the files.
 *
 * The second start is over the same folders of plugins and of data, after a kernel that has stopped.
 * The heap is what one kernel adds in a fresh process.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKernel, type NodeKernelOptions } from '@plinth/host-node';
import type { Kernel } from '@plinth/kernel';
import { EDGES, MANY, sleepers } from '../many.ts';
import { milliseconds, type Outcomes, ratioFigure } from '../outcome.ts';
import { type PluginFolder, writePlugins } from '../plugin-folder.ts';
import { everyRound, medianOf, timeOf } from '../statistics.ts';

/** @param probe measures the heap of a kernel over a folder in a fresh process. */
export async function measureStart10k(
  rounds: number,
  probe: (kind: 'heap', folder: string) => Promise<number>,
): Promise<Outcomes> {
  const folder = writePlugins(sleepers(MANY));
  const data = mkdtempSync(join(tmpdir(), 'plinth-bench-data-'));
  const again = { plugins: folder.path, data };
  try {
    await startKernel(again);
    const times = await everyRound(rounds, {
      first: () => startKernel({ plugins: folder.path }),
      again: () => startKernel(again),
      plain: () => readAll(folder),
    });
    const { heap } = await everyRound(rounds, { heap: () => probe('heap', folder.path) });
    return {
      start: ratioFigure(times.first, times.plain, milliseconds),
      again: ratioFigure(times.again, times.plain, milliseconds),
      heap: { value: medianOf(heap) / 1_000, rounds: heap.map((bytes) => bytes / 1_000) },
    };
  } finally {
    folder.remove();
    rmSync(data, { recursive: true, force: true });
  }
}

/** Heap that each plugin of a folder takes in a kernel of this process, in bytes. */
export async function heapPerPlugin(read: () => Promise<number>, folder: string): Promise<number> {
  const before = await read();
  const kernel = await createKernel({ plugins: folder });
  await kernel.start();
  const bytes = (await read()) - before;
  check(kernel);
  return bytes / MANY;
}

async function startKernel(options: NodeKernelOptions): Promise<number> {
  let kernel: Kernel | undefined;
  const time = await timeOf(async () => {
    kernel = await createKernel(options);
    await kernel.start();
  });
  check(kernel as Kernel);
  await kernel?.stop();
  return time;
}

function check(kernel: Kernel): void {
  const plugins = kernel.plugins.list({ state: 'resolved' });
  const edges = plugins.reduce((sum, { dependencies }) => sum + dependencies.length, 0);
  if (plugins.length !== MANY || edges !== EDGES)
    throw new Error(`the kernel resolved ${plugins.length} plugins with ${edges} dependencies`);
}

async function readAll({ files }: PluginFolder): Promise<number> {
  let found: readonly { readonly id: string }[] = [];
  const time = await timeOf(async () => {
    found = files.map((file) => JSON.parse(readFileSync(file, 'utf8')) as { readonly id: string });
  });
  if (found.length !== MANY || !found.every(({ id }) => id.startsWith('com.example.')))
    throw new Error(`${found.length} manifests were read`);
  return time;
}
