/**
 * From nothing to a started kernel with ten thousand plugins on disk, none of them active. Compared
 * with reading and parsing the same files as a program does that doesn't block its event loop. Runs
 * in Node. The first round is cold, and is the first of the figure's rounds.
 */

import { readFile } from 'node:fs/promises';
import { createKernel } from '@plinth/host-node';
import type { Kernel } from '@plinth/kernel';
import { EDGES, MANY, sleepers } from '../many.ts';
import { milliseconds, type Outcomes, ratioFigure } from '../outcome.ts';
import { type PluginFolder, writePlugins } from '../plugin-folder.ts';
import { sideBySide, timeOf } from '../statistics.ts';

/** Files that are read at the same time: more make it no faster. */
const AT_A_TIME = 16;

export async function measureStart10k(rounds: number): Promise<Outcomes> {
  const folder = writePlugins(sleepers(MANY));
  try {
    const times = await sideBySide(
      rounds,
      () => startKernel(folder),
      () => readAll(folder),
    );
    return { start: ratioFigure(times.plinth, times.raw, milliseconds) };
  } finally {
    folder.remove();
  }
}

async function startKernel({ path }: PluginFolder): Promise<number> {
  let kernel: Kernel | undefined;
  const time = await timeOf(async () => {
    kernel = await createKernel({ plugins: path });
    await kernel.start();
  });
  const plugins = kernel?.plugins.list({ state: 'resolved' }) ?? [];
  await kernel?.stop();
  const edges = plugins.reduce((sum, { dependencies }) => sum + dependencies.length, 0);
  if (plugins.length !== MANY || edges !== EDGES)
    throw new Error(`the kernel resolved ${plugins.length} plugins with ${edges} dependencies`);
  return time;
}

async function readAll({ files }: PluginFolder): Promise<number> {
  const found: { readonly id: string }[] = [];
  const time = await timeOf(async () => {
    let next = 0;
    const lane = async () => {
      while (next < files.length) {
        const at = next++;
        found[at] = JSON.parse(await readFile(files[at] as string, 'utf8')) as {
          readonly id: string;
        };
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, lane));
  });
  if (found.length !== MANY || !found.every(({ id }) => id.startsWith('com.example.')))
    throw new Error(`${found.length} manifests were read`);
  return time;
}
