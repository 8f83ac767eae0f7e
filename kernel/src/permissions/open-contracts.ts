/** Rights to provide open contracts. */
import { intersectScopes, type Permissions, scopeCovers, scopesOf } from '@plinth/sdk/contract';
import type { DeniedScope } from './broker.js';

const PROVIDE = 'contracts.provide';

/** What a trusted plugin may provide unasked: everything, unless policy or extensions list some. */
export function providedByTrust(
  policy: Permissions | undefined,
  extensions: Permissions | undefined,
): readonly string[] {
  const given = policy?.contracts === undefined ? ['*'] : (policy.contracts.provide ?? []);
  return extensions === undefined
    ? given
    : intersectScopes(PROVIDE, given, scopesOf(extensions, PROVIDE));
}

/** Whether a contract is among the given ones and not revoked. */
export function mayAnswer(
  contract: string,
  given: readonly string[],
  denied: readonly DeniedScope[] = [],
): boolean {
  const covered = (scopes: readonly string[]) =>
    scopes.some((scope) => scopeCovers(PROVIDE, scope, contract));
  return (
    covered(given) && denied.every(({ scope, except }) => !covered([scope]) || covered(except))
  );
}
