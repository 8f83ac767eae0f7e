/**
 * Which contracts any number of plugins may provide: the standard ones, and those that the
 * application has opened.
 */
import type { AnyContract } from '@plinth/sdk';
import { createError, isOpen, parseContractId } from '@plinth/sdk/contract';

/** Answers whether a contract, by its base, or a wire id is open. */
export type IsOpen = (id: string) => boolean;

/**
 * Reads the option `contracts`.
 *
 * @throws PluginConfigurationError `kernel/invalid-option` for what is no contract.
 */
export function openContracts(contracts: readonly AnyContract[] = []): IsOpen {
  const bases = new Set(
    contracts.map((contract, index) => {
      const base = parseContractId(String((contract as Partial<AnyContract> | null)?.$id))?.base;
      if (base !== undefined) return base;
      throw createError(
        'kernel/invalid-option',
        `'contracts[${index}]' is no contract: give what contract() has made`,
        { details: { option: 'contracts' } },
      );
    }),
  );
  if (bases.size === 0) return isOpen;
  return (id) => {
    const colon = id.indexOf(':');
    return isOpen(id) || bases.has(colon === -1 ? id : id.slice(0, colon));
  };
}
