/**
 * Loads the kernel at first use. The SDK is the layer below it, so the kernel is an optional peer:
 * a project that only runs contract checks needn't install it.
 */
import { createError } from '@plinth/sdk/contract';

type KernelModule = typeof import('@plinth/kernel');

let loaded: Promise<KernelModule> | undefined;

/** @throws PluginConfigurationError `kernel/invalid-option` when the kernel isn't installed. */
export function loadKernel(): Promise<KernelModule> {
  loaded ??= import('@plinth/kernel').catch((cause: unknown) => {
    loaded = undefined;
    throw createError(
      'kernel/invalid-option',
      "the test kit runs the real kernel, which can't be loaded: install '@plinth/kernel' beside '@plinth/sdk'",
      { cause },
    );
  });
  return loaded;
}

interface NodeHostModule {
  directorySource(path: string): import('@plinth/kernel').PluginSource;
}

/** Not written in the import itself, because bundlers for pages would look for it. */
const NODE_HOST = '@plinth/host-node';

/**
 * Loads what reads folders.
 *
 * @throws PluginConfigurationError `kernel/invalid-option` when it isn't installed, as in pages.
 */
export async function loadNodeHost(path: string): Promise<NodeHostModule> {
  try {
    return (await import(/* @vite-ignore */ NODE_HOST)) as NodeHostModule;
  } catch (cause) {
    throw createError(
      'kernel/invalid-option',
      `the folder '${path}' can't be read: folders need Node and '@plinth/host-node'; give { manifest, code } elsewhere`,
      { cause },
    );
  }
}
