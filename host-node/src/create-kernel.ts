/** `createKernel` with Node's defaults. */
import type { AnyExtension, KernelOptions, KernelWith } from '@plinth/kernel';
import { createError } from '@plinth/sdk/contract';
import { directorySource } from './directory-source.js';
import { fromEnvironment, pluginsIn } from './environment.js';
import { fileStorage } from './file-storage.js';
import { nodeHost } from './host.js';
import { createWithPreset } from './preset.js';

/** Options of the kernel, and two short forms. */
export interface NodeKernelOptions extends KernelOptions {
  /** Folders of plugins: each subfolder with a `plugin.json` is one. */
  readonly plugins?: string | readonly string[];
  /**
   * Folder for plugins' data. Without it and without `storage`, data lives in memory and ends with
   * the process.
   */
  readonly data?: string;
}

/**
 * Creates a kernel whose plugins run in worker threads. What the options leave open comes from the
 * environment: `PLUGINS_DIR` (folders, separated as in `PATH`), `PLUGINS_ALLOW` (ids and prefixes
 * that end in `*`, separated by commas) and `PLUGINS_LOG_LEVEL` (`debug`, `info`, `warn`, `error` or
 * `silent`).
 *
 * @throws PluginConfigurationError `kernel/invalid-option`; PluginUnavailableError `storage/locked`
 * when another process owns the data folder.
 * @example
 * const kernel = await createKernel({ plugins: './plugins', data: './data' });
 * await kernel.start();
 */
export async function createKernel<const E extends readonly AnyExtension[] = readonly []>(
  options: NodeKernelOptions & { readonly extensions?: E } = {},
): Promise<KernelWith<E>> {
  // What is no object has no short forms, and is refused there.
  if (options === null || typeof options !== 'object') return createWithPreset(options);
  const { plugins = pluginsIn(process.env, options), data, ...rest } = options;
  if (data !== undefined && rest.storage !== undefined)
    throw createError('kernel/invalid-option', "createKernel takes 'data' or 'storage', not both", {
      details: { option: 'data' },
    });
  const { sources = [] } = rest;
  const folders = plugins === undefined ? [] : [plugins].flat();
  const storage = data === undefined ? rest.storage : await fileStorage(data);
  try {
    return await createWithPreset({
      ...rest,
      ...fromEnvironment(process.env, rest),
      host: rest.host === undefined ? nodeHost() : rest.host,
      // Another value has no layers, and is refused there.
      config:
        rest.config === undefined || isObject(rest.config)
          ? { env: process.env, ...rest.config }
          : rest.config,
      sources: Array.isArray(sources)
        ? [...folders.map((folder) => directorySource(folder)), ...sources]
        : sources,
      ...(storage !== undefined && { storage }),
    });
  } catch (error) {
    if (data !== undefined) await storage?.close();
    throw error;
  }
}

const isObject = (value: unknown): boolean =>
  Object.prototype.toString.call(value) === '[object Object]';
