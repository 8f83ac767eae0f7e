/** Small plugins written as text, as a source would deliver them. */

import type { PackageInput } from '@plinth/kernel';
import type { ManifestInput } from '@plinth/sdk/contract';

/** A package that exists as text alone. */
export interface TextPackage extends PackageInput {
  readonly manifest: ManifestInput;
  readonly code: string;
}

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
