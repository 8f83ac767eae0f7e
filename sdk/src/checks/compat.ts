/** Checks a contract's next version against its published one. */
import { type CompatOptions, compat } from '../contract/compat.js';
import { type AnyContract, membersOf } from '../contract/contract.js';
import { type Check, checksOf, ensure } from './check.js';

/**
 * The checks of a contract's newer version, one for each member of the older one. Users of the
 * older version must work with a provider of the newer one, unless the major version rose. Keep the
 * published version beside the one in development.
 *
 * @throws PluginValidationError `contract/invalid` when these are not two versions of one contract.
 * @example
 * for (const { name, run } of compatChecks(PublishedNotes, Notes, { jsonSchema: toJsonSchema })) test(name, run);
 */
export function compatChecks(
  older: AnyContract,
  newer: AnyContract,
  options?: CompatOptions,
): readonly Check[] {
  const { changes, versioned } = compat(older, newer, options);
  const todo = membersOf(older).map(([name, { kind }]) => {
    const run = async () => {
      const breaking = versioned
        ? []
        : changes.filter(({ member, step }) => member === name && step === 'major');
      const found = breaking.map(
        ({ part, path, message }) =>
          `${[part, path].filter(Boolean).join(' ')}${part === undefined ? '' : ' '}${message}`,
      );
      ensure(breaking.length === 0, `${found.join('; ')}: this needs a new major version`, {
        older: older.$id,
        newer: newer.$id,
        changes: breaking,
      });
    };
    return [`${kind} '${name}' serves callers written for ${older.$id}`, run] as const;
  });
  return checksOf(newer, Object.fromEntries(todo));
}
