/** `plinth install`: adds a plugin for good. */
import type { RunCommand } from '../command.js';
import { withOperator } from '../operate/with-operator.js';
import { findPackage } from '../project/find-package.js';

/** Installs the package at a path. */
export const run: RunCommand = async ([path = ''], options, terminal) => {
  const found = await terminal.during(`reading ${path}`, () => findPackage(path));
  return withOperator(
    options,
    terminal,
    async (operator) => {
      const { owner } = options;
      const changed = await terminal.during(`installing ${path}`, () =>
        operator.install(found, typeof owner === 'string' ? { owner } : {}),
      );
      return { data: { ...changed }, text: `installed ${changed.id} ${changed.version}` };
    },
    { changes: true },
  );
};
