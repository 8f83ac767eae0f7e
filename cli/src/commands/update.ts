/** `plinth update`: replaces a plugin by a later version. */
import type { RunCommand } from '../command.js';
import { withOperator } from '../operate/with-operator.js';
import { findPackage } from '../project/find-package.js';

/** Updates to the package at a path. */
export const run: RunCommand = async ([path = ''], options, terminal) => {
  const found = await terminal.during(`reading ${path}`, () => findPackage(path));
  return withOperator(
    options,
    terminal,
    async (operator) => {
      const { owner, consent } = options;
      const { id, from, version } = await terminal.during(`updating to ${path}`, () =>
        operator.update(found, {
          ...(consent === true && { consent }),
          ...(typeof owner === 'string' && { owner }),
        }),
      );
      return {
        data: { id, from, version },
        text: `updated ${id} from ${from} to ${version}; plinth rollback ${id} takes it back`,
      };
    },
    { changes: true },
  );
};
