/** Kernels for the plugins' own tests: real ones, with the plugins inline and storage that outlives them. */
import { readFile } from 'node:fs/promises';
import { createKernel, type Kernel, type KernelOptions, memoryStorage, packageSource, type StorageAdapter } from '@plinth/kernel';

/** Starts a kernel with some of the demo plugins, by the names of their folders. */
export async function startDemo(names: readonly string[], options: KernelOptions = {}): Promise<Kernel> {
  const packages = await Promise.all(
    names.map(async (name) => {
      const folder = new URL(`../plugins/${name}/`, import.meta.url);
      const { default: plugin } = (await import(new URL('src/index.ts', folder).href)) as { readonly default: object };
      return { manifest: await readFile(new URL('plugin.json', folder), 'utf8'), plugin };
    }),
  );
  const kernel = await createKernel({ sources: [packageSource(packages)], ...options });
  await kernel.start();
  return kernel;
}

/** Storage in memory that a second kernel can open again. */
export function lastingStorage(): StorageAdapter {
  return { ...memoryStorage(), close: async () => {} };
}

/** Resolves with the first event of a topic that fits. */
export function nextEvent<Payload>(kernel: Kernel, topic: string, fits: (payload: Payload) => boolean = () => true): Promise<Payload> {
  return new Promise((resolve) => {
    const listening = kernel.events.on(topic, ({ payload }) => {
      if (!fits(payload as Payload)) return;
      listening.dispose();
      resolve(payload as Payload);
    });
  });
}
