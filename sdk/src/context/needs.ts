/** `ctx.needs`: clients of the contracts that a plugin declares. */
import type { AnyContract, Optional } from '../contract/contract.js';
import type { Client } from '../contract/contract-types.js';

/** What a plugin declares in `needs`, keyed by the name it uses. */
export type Needs = Readonly<Record<string, AnyContract | Optional<AnyContract>>>;

/**
 * `ctx.needs`: a typed client for each need. An optional one is undefined while it has no provider.
 */
export type NeedClients<N> = {
  readonly [K in keyof N]: N[K] extends Optional<infer C> ? Client<C> | undefined : Client<N[K]>;
};
