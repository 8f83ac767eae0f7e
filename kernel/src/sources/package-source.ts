/**
 * Plugins that the application already holds: the text of a bundle, or the plugin object itself.
 */
import type { Plugin } from '@plinth/sdk';
import { createError, type ManifestInput } from '@plinth/sdk/contract';
import type { PluginPackage, PluginSource } from '../host.js';

/** One plugin in memory. */
export interface PackageInput {
  /** The manifest as an object, or the text of `plugin.json`. */
  readonly manifest: ManifestInput | string;
  /** Text of the bundle that `main` names. */
  readonly code?: string;
  /** Text of its `plugin.sig.json`. The manifest then has to be text, too. */
  readonly signature?: string;
  /** The plugin object, in place of its code. It then runs inline. */
  readonly plugin?: Plugin<never, never> | object;
}

/**
 * A source of plugins held in memory.
 *
 * @throws PluginConfigurationError `kernel/invalid-option` for what is no list.
 * @example
 * packageSource([{ manifest: { id: 'com.example.hello', version: '1.0.0', main: 'plugin.js', engines: { plinth: '^1.0.0' } }, code }])
 */
export function packageSource(packages: readonly PackageInput[]): PluginSource {
  if (!Array.isArray(packages))
    throw createError('kernel/invalid-option', 'packageSource takes a list of packages');
  return {
    origin: 'memory',
    async *discover() {
      for (const [index, one] of packages.entries()) yield packageOf(one, index);
    },
  };
}

/** One in-memory plugin as a package, for `kernel.plugins.install`. */
export function packageOf(input: PackageInput, index = 0): PluginPackage {
  const { manifest, code, plugin, signature } = Object(input) as PackageInput;
  const claimed = typeof manifest === 'string' ? undefined : manifest?.id;
  const origin = typeof claimed === 'string' ? `memory:${claimed}` : `memory:${index}`;
  return {
    origin: index === 0 ? origin : `${origin}#${index}`,
    manifest: (manifest ?? '') as object | string,
    held: true,
    ...(plugin !== undefined && { exported: plugin }),
    ...(signature !== undefined && { signature: async () => signature }),
    async code() {
      if (code === undefined)
        throw createError('plugin/load-failed', 'the package holds neither code nor a plugin');
      return code;
    },
  };
}
