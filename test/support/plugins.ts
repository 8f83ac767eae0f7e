/** Small plugins written as text, or as typed functions, as a source would deliver them. */

import type { PackageInput } from '@plinth/kernel';
import type { PluginContext } from '@plinth/sdk';
import type { ManifestInput } from '@plinth/sdk/contract';

/** A package that exists as text alone. */
export interface TextPackage extends PackageInput {
  readonly manifest: ManifestInput;
  readonly code: string;
}

/** For an `activate` body: a command that ends the guest by an error that is not caught. */
export const CRASH = `ctx.commands.handle('crash', () => { setTimeout(() => { throw new Error('gone'); }, 0); return new Promise(() => {}); });`;

/**
 * A package whose bundle is the given text of an `activate` body; everything else has a default.
 */
export function pluginOf(
  id: string,
  activate: string,
  manifest: Partial<ManifestInput> = {},
  members = '',
): TextPackage {
  return {
    manifest: {
      id,
      version: '1.0.0',
      main: 'plugin.js',
      engines: { plinth: '^1.0.0' },
      ...manifest,
    },
    code: `export default { ${members} async activate(ctx) { ${activate} } };`,
  };
}

/**
 * A package whose `activate` is the given function, with checked types. Its text is sent to the
 * guest, so it can use nothing from around it.
 */
export function typedPlugin(
  id: string,
  activate: (ctx: PluginContext) => unknown,
  manifest: Partial<ManifestInput> = {},
): TextPackage {
  return bundleOf(id, `export default { activate: ${activate} };`, manifest);
}

/** A package with the given whole bundle. */
export function bundleOf(
  id: string,
  code: string,
  manifest: Partial<ManifestInput> = {},
): TextPackage {
  return {
    manifest: {
      id,
      version: '1.0.0',
      main: 'plugin.js',
      engines: { plinth: '^1.0.0' },
      ...manifest,
    },
    code,
  };
}
