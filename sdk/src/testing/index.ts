/**
 * `@plinth/sdk/testing`: what every implementation of a standard contract must do, as checks for any test framework.
 *
 * @module
 */
import type { Client } from '../contract/contract.js';
import { createError } from '../contract/error-codes.js';
import type { AnalyticsProvider, CliCommands, DataProvider, HealthCheck, HttpRoutes, MessageHandler } from '../contracts/index.js';
import { type AnalyticsProviderSamples, analyticsProviderChecks } from './analytics-provider.js';
import { type Check, strictClient } from './check.js';
import { type CliCommandsSamples, cliCommandsChecks } from './cli-commands.js';
import { type DataProviderSamples, dataProviderChecks } from './data-provider.js';
import { type HealthCheckSamples, healthCheckChecks } from './health-check.js';
import { type HttpRoutesSamples, httpRoutesChecks } from './http-routes.js';
import { type MessageHandlerSamples, messageHandlerChecks } from './message-handler.js';

export type { AnalyticsProviderSamples, Check, CliCommandsSamples, DataProviderSamples, HealthCheckSamples, HttpRoutesSamples, MessageHandlerSamples };
export { compatChecks } from './compat.js';
export { type Compatibility, type CompatOptions, type ContractChange, compat } from '../contract/compat.js';
export type { CliRun } from './cli-commands.js';

/** A contract that has checks. */
export type CheckedContract = typeof AnalyticsProvider | typeof CliCommands | typeof DataProvider | typeof HealthCheck | typeof HttpRoutes | typeof MessageHandler;

/** What the checks of each contract are told, by its id. */
export interface ContractSamples {
  readonly 'plinth.analytics-provider@1': AnalyticsProviderSamples;
  readonly 'plinth.cli-commands@1': CliCommandsSamples;
  readonly 'plinth.data-provider@1': DataProviderSamples;
  readonly 'plinth.health-check@1': HealthCheckSamples;
  readonly 'plinth.http-routes@1': HttpRoutesSamples;
  readonly 'plinth.message-handler@1': MessageHandlerSamples;
}

/** The samples as arguments: they may be left out where the checks manage without. */
export type SamplesFor<C extends CheckedContract> =
  Record<never, never> extends ContractSamples[C['$id']] ? [samples?: ContractSamples[C['$id']]] : [samples: ContractSamples[C['$id']]];

type Makers = { readonly [C in CheckedContract as C['$id']]: (client: Client<C>, samples: ContractSamples[C['$id']]) => readonly Check[] };
type Maker<C extends CheckedContract> = (client: Client<C>, samples: ContractSamples[C['$id']]) => readonly Check[];

const MAKERS: Makers = {
  'plinth.analytics-provider@1': analyticsProviderChecks,
  'plinth.cli-commands@1': cliCommandsChecks,
  'plinth.data-provider@1': dataProviderChecks,
  'plinth.health-check@1': healthCheckChecks,
  'plinth.http-routes@1': httpRoutesChecks,
  'plinth.message-handler@1': messageHandlerChecks,
};

/**
 * What every implementation of a standard contract must do, as checks that reject where this one doesn't. Each can run by
 * itself; they run one after another.
 *
 * @param client of the implementation: of a kernel with no other provider of the contract, or of `{ provider }`.
 * @throws PluginValidationError `contract/invalid` when the contract has no checks.
 * @example
 * for (const { name, run } of contractChecks(DataProvider, kernel.client(DataProvider))) test(name, run);
 */
export function contractChecks<C extends CheckedContract>(contract: C, client: Client<NoInfer<C>>, ...[samples]: SamplesFor<C>): readonly Check[] {
  const make = (Object.hasOwn(MAKERS, contract.$id) ? MAKERS[contract.$id] : undefined) as Maker<C> | undefined;
  if (make === undefined) throw createError('contract/invalid', `there are no checks of '${contract.$id}': only of the contracts of '@plinth/sdk/contracts'`);
  return make(strictClient(contract, client), samples ?? ({} as ContractSamples[C['$id']]));
}
