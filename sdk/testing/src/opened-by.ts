/** The contracts that a test kernel opens for a plugin, as its application does. */
import { type AnyContract, contract } from '@plinth/sdk';
import { type Manifest, parseContractId } from '@plinth/sdk/contract';

/** What a manifest provides of others. It has the right to them: else it would be invalid. */
export function openedBy({ id, provides = [] }: Manifest): readonly AnyContract[] {
  return provides
    .filter((one) => parseContractId(one)?.base !== id)
    .map((one) => contract(one, {}));
}
