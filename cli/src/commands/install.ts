/** `plinth install`: adds a plugin to a project for good. */
import type { RunCommand } from '../command.js';
import { findPackage } from '../project/find-package.js';
import { withKernel } from '../project/open-kernel.js';

/** Installs the package at a path. */
export const run: RunCommand = async ([path = ''], options, terminal) => {
  const found = await terminal.during(`reading ${path}`, () => findPackage(path));
  return withKernel(
    options,
    terminal,
    async (kernel) => {
      const id = await terminal.during(`installing ${path}`, () =>
        kernel.plugins.install(
          found,
          typeof options.owner === 'string' ? { owner: options.owner } : {},
        ),
      );
      const { version, state } = kernel.plugins.get(id) ?? {};
      return { data: { id, version, state }, text: `installed ${id} ${version}` };
    },
    { changes: true },
  );
};
