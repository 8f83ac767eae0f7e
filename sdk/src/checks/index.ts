/**
 * `@plinth/sdk/checks`: checks that every implementation of a standard contract must pass, for any
 * test framework.
 *
 * @module
 */
import type { Client } from '../contract/contract-types.js';
import { createError } from '../contract/error-codes.js';
import type {
  AnalyticsProvider,
  CliCommands,
  DataProvider,
  HealthCheck,
  HttpRoutes,
  MessageHandler,
} from '../contracts/index.js';
import { analyticsProviderChecks } from './analytics-provider/analytics-provider.js';
import type { AnalyticsProviderSamples } from './analytics-provider/probe.js';
import { type Check, strictClient } from './check.js';
import { type CliCommandsSamples, cliCommandsChecks } from './cli-commands.js';
import { dataProviderChecks } from './data-provider/data-provider.js';
import type { DataProviderSamples } from './data-provider/probe.js';
import { type HealthCheckSamples, healthCheckChecks } from './health-check.js';
import { httpRoutesChecks } from './http-routes/http-routes.js';
import type { HttpRoutesSamples } from './http-routes/probe.js';
import { type MessageHandlerSamples, messageHandlerChecks } from './message-handler.js';

export {
  type Compatibility,
  type CompatOptions,
  type ContractChange,
  compat,
} from '../contract/compat.js';
export type { CliRun } from './cli-commands.js';
export { compatChecks } from './compat.js';
export type {
  AnalyticsProviderSamples,
  Check,
  CliCommandsSamples,
  DataProviderSamples,
  HealthCheckSamples,
  HttpRoutesSamples,
  MessageHandlerSamples,
};

/** A contract that has checks. */
export type CheckedContract =
  | typeof AnalyticsProvider
  | typeof CliCommands
  | typeof DataProvider
  | typeof HealthCheck
  | typeof HttpRoutes
  | typeof MessageHandler;

/** The samples of each contract's checks, by contract id. */
export interface ContractSamples {
  readonly 'plinth.analytics-provider@1': AnalyticsProviderSamples;
  readonly 'plinth.cli-commands@1': CliCommandsSamples;
  readonly 'plinth.data-provider@1': DataProviderSamples;
  readonly 'plinth.health-check@1': HealthCheckSamples;
  readonly 'plinth.http-routes@1': HttpRoutesSamples;
  readonly 'plinth.message-handler@1': MessageHandlerSamples;
}

/** The samples as arguments; optional where the checks don't need them. */
export type SamplesFor<C extends CheckedContract> =
  Record<never, never> extends ContractSamples[C['$id']]
    ? [samples?: ContractSamples[C['$id']]]
    : [samples: ContractSamples[C['$id']]];

type Makers = {
  readonly [C in CheckedContract as C['$id']]: (
    client: Client<C>,
    samples: ContractSamples[C['$id']],
  ) => readonly Check[];
};
type Maker<C extends CheckedContract> = (
  client: Client<C>,
  samples: ContractSamples[C['$id']],
) => readonly Check[];

const MAKERS: Makers = {
  'plinth.analytics-provider@1': analyticsProviderChecks,
  'plinth.cli-commands@1': cliCommandsChecks,
  'plinth.data-provider@1': dataProviderChecks,
  'plinth.health-check@1': healthCheckChecks,
  'plinth.http-routes@1': httpRoutesChecks,
  'plinth.message-handler@1': messageHandlerChecks,
};

/**
 * The checks of a standard contract. Each rejects when this implementation fails it. They can run
 * alone, but not at the same time.
 *
 * @param client of the implementation: from a kernel with no other provider of the contract, or
 * with `{ provider }`.
 * @throws PluginValidationError `contract/invalid` when the contract has no checks.
 * @example
 * for (const { name, run } of contractChecks(DataProvider, kernel.client(DataProvider))) test(name, run);
 */
export function contractChecks<C extends CheckedContract>(
  contract: C,
  client: Client<NoInfer<C>>,
  ...[samples]: SamplesFor<C>
): readonly Check[] {
  const make = (Object.hasOwn(MAKERS, contract.$id) ? MAKERS[contract.$id] : undefined) as
    | Maker<C>
    | undefined;
  if (make === undefined)
    throw createError(
      'contract/invalid',
      `there are no checks of '${contract.$id}': only of the contracts of '@plinth/sdk/contracts'`,
    );
  return make(strictClient(contract, client), samples ?? ({} as ContractSamples[C['$id']]));
}
