/** Kernels for the plugins' own tests: real ones, with storage that outlives them. */

import {
  createKernel,
  type Kernel,
  type KernelOptions,
  memoryStorage,
  type PackageInput,
  packageSource,
  type StorageAdapter,
} from '@plinth/kernel';
import { createHost } from '#host';

const manifests = import.meta.glob<string>('../plugins/*/plugin.json', {
  query: '?raw',
  import: 'default',
});
const plugins = import.meta.glob<object>('../plugins/*/src/index.ts', { import: 'default' });
const bundles = import.meta.glob<string>('../dist/plugins/*/plugin.js', {
  query: '?raw',
  import: 'default',
});

/** Starts a kernel with some of the demo plugins, by folder name, inline. */
export async function startDemo(
  names: readonly string[],
  options: KernelOptions = {},
): Promise<Kernel> {
  return start(
    names,
    async (name) => ({ plugin: await found(plugins, `../plugins/${name}/src/index.ts`) }),
    options,
  );
}

/** Starts a kernel with the built bundles of some demo plugins, in workers of the runtime. */
export async function startBuilt(
  names: readonly string[],
  options: KernelOptions = {},
): Promise<Kernel> {
  return start(
    names,
    async (name) => ({ code: await found(bundles, `../dist/plugins/${name}/plugin.js`) }),
    { host: createHost(), ...options },
  );
}

async function start(
  names: readonly string[],
  contentOf: (name: string) => Promise<Pick<PackageInput, 'plugin' | 'code'>>,
  options: KernelOptions,
): Promise<Kernel> {
  const packages = await Promise.all(
    names.map(async (name) => ({
      manifest: await found(manifests, `../plugins/${name}/plugin.json`),
      ...(await contentOf(name)),
    })),
  );
  const kernel = await createKernel({ sources: [packageSource(packages)], ...options });
  await kernel.start();
  return kernel;
}

async function found<T>(
  files: Readonly<Record<string, () => Promise<T>>>,
  path: string,
): Promise<T> {
  const load = files[path];
  if (load === undefined) throw new Error(`there is no ${path}: run the build first`);
  return load();
}

/** Storage in memory that a second kernel can open again. */
export function lastingStorage(): StorageAdapter {
  return { ...memoryStorage(), close: async () => {} };
}

/** Resolves with the first event of a topic that matches. */
export function nextEvent<Payload>(
  kernel: Kernel,
  topic: string,
  fits: (payload: Payload) => boolean = () => true,
): Promise<Payload> {
  return new Promise((resolve) => {
    const listening = kernel.events.on(topic, ({ payload }) => {
      if (!fits(payload as Payload)) return;
      listening.dispose();
      resolve(payload as Payload);
    });
  });
}
