/** `plinth update`: replaces a plugin by a later version. */
import { parseManifest } from '@plinth/sdk/contract';
import type { RunCommand } from '../command.js';
import { findPackage } from '../project/find-package.js';
import { withKernel } from '../project/open-kernel.js';

/** Updates to the package at a path. */
export const run: RunCommand = async ([path = ''], options, terminal) => {
  const found = await terminal.during(`reading ${path}`, () => findPackage(path));
  const { id } = parseManifest(found.manifest, found.origin);
  return withKernel(
    options,
    terminal,
    async (kernel) => {
      const before = kernel.plugins.get(id)?.version;
      await terminal.during(`updating ${id}`, () =>
        kernel.plugins.update(id, found, {
          ...(options.consent === true && { consent: true }),
          ...(typeof options.owner === 'string' && { owner: options.owner }),
        }),
      );
      const { version } = kernel.plugins.get(id) ?? {};
      return {
        data: { id, from: before, version },
        text: `updated ${id} from ${before} to ${version}; plinth rollback ${id} takes it back`,
      };
    },
    { changes: true },
  );
};
