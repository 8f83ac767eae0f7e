/** What names a contract. */
import type { AnyContract } from '@plinth/sdk';
import { createError, messageOf } from '@plinth/sdk/contract';

/**
 * The id of a contract, given as itself or by its id.
 *
 * @throws PluginValidationError `contract/invalid`.
 */
export function contractId(contract: AnyContract | string): string {
  const id: unknown = typeof contract === 'string' ? contract : contract?.$id;
  if (typeof id === 'string') return id;
  throw createError(
    'contract/invalid',
    `a contract is what contract() makes, or its id, and not ${messageOf(contract)}`,
  );
}
