/** `createKernel` with a page's defaults. */
import type { AnyExtension, KernelOptions, KernelWith } from '@plinth/kernel';
import { createError } from '@plinth/sdk/contract';
import { browserHost } from './host.js';
import { indexedDBStorage } from './indexeddb-storage.js';
import { urlSource } from './url-source.js';

/** Options of the kernel, and two short forms. */
export interface BrowserKernelOptions extends KernelOptions {
  /** URLs of manifests. `main` is relative to its manifest. */
  readonly plugins?: string | readonly string[];
  /**
   * Name of an IndexedDB database for plugins' data. Without it and without `storage`, data ends
   * with the page.
   */
  readonly data?: string;
}

/**
 * Creates a kernel whose plugins run in Web Workers.
 *
 * @throws PluginConfigurationError `kernel/invalid-option`.
 * @example
 * const kernel = await createKernel({ plugins: ['/plugins/notes/plugin.json'], data: 'my-app' });
 * await kernel.start();
 */
export async function createKernel<const E extends readonly AnyExtension[] = readonly []>(
  options: BrowserKernelOptions & { readonly extensions?: E } = {},
): Promise<KernelWith<E>> {
  const { plugins, data, ...rest } = Object(options) as BrowserKernelOptions & {
    readonly extensions?: E;
  };
  if (data !== undefined && rest.storage !== undefined)
    throw createError('kernel/invalid-option', "createKernel takes 'data' or 'storage', not both", {
      details: { option: 'data' },
    });
  // Imported dynamically so that the page shows first: a bundler puts the kernel in a file of its
  // own.
  const { createWithPreset } = await import('./preset.js');
  // What is no object has no short forms, and is refused there.
  if (options === null || typeof options !== 'object') return createWithPreset(options);
  const { sources = [] } = rest;
  const urls = plugins === undefined ? [] : [plugins].flat();
  return createWithPreset({
    ...rest,
    host: rest.host === undefined ? browserHost() : rest.host,
    sources: Array.isArray(sources)
      ? [...(urls.length > 0 ? [urlSource(urls)] : []), ...sources]
      : sources,
    ...(data !== undefined && { storage: indexedDBStorage(data) }),
  });
}
