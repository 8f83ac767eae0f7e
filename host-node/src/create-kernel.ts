/** `createKernel` with Node's defaults. */
import { createKernel as createBareKernel, type Kernel, type KernelOptions } from '@plinth/kernel';
import { createError } from '@plinth/sdk/contract';
import { directorySource } from './directory-source.js';
import { fileStorage } from './file-storage.js';
import { nodeHost } from './host.js';

/** Options of the kernel, and two short forms. */
export interface NodeKernelOptions extends KernelOptions {
  /** Folders of plugins: each subfolder with a `plugin.json` is one. */
  readonly plugins?: string | readonly string[];
  /** Folder for plugins' data. Without it and without `storage` data lives in memory and ends with the process. */
  readonly data?: string;
}

/**
 * Makes a kernel whose plugins run in worker threads.
 *
 * @throws PluginConfigurationError `kernel/invalid-option`; PluginUnavailableError `storage/locked` when another
 * process owns the data folder.
 * @example
 * const kernel = await createKernel({ plugins: './plugins', data: './data' });
 * await kernel.start();
 */
export async function createKernel(options: NodeKernelOptions = {}): Promise<Kernel> {
  const { plugins, data, ...rest } = options;
  if (data !== undefined && rest.storage !== undefined)
    throw createError('kernel/invalid-option', "createKernel takes 'data' or 'storage', not both", { details: { option: 'data' } });
  const folders = plugins === undefined ? [] : [plugins].flat();
  const storage = data === undefined ? rest.storage : await fileStorage(data);
  try {
    return await createBareKernel({
      host: nodeHost(),
      ...rest,
      config: { env: process.env, ...rest.config },
      sources: [...folders.map((folder) => directorySource(folder)), ...(rest.sources ?? [])],
      ...(storage !== undefined && { storage }),
    });
  } catch (error) {
    if (data !== undefined) await storage?.close();
    throw error;
  }
}
