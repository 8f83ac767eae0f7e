/** Checks of `HealthCheck`. */
import type { Client } from '../contract/contract-types.js';
import { HealthCheck } from '../contracts/health-check.js';
import { type Check, checksOf, ensure } from './check.js';

/** Samples for the checks of a `HealthCheck`. */
export interface HealthCheckSamples {
  /** The status it must report now; any when absent. */
  readonly status?: 'healthy' | 'degraded' | 'unhealthy';
  /** Milliseconds in which it must answer; 1 000 when absent. */
  readonly within?: number;
}

/** Requests that are sent at once. */
const CROWD = 8;

/** The checks of one `HealthCheck`. Nothing it reports on may change meanwhile. */
export function healthCheckChecks(
  client: Client<typeof HealthCheck>,
  { status, within = 1_000 }: HealthCheckSamples,
): readonly Check[] {
  const check = () => client.check(undefined, { timeout: within });

  return checksOf(HealthCheck, {
    'check() answers how it is, and never fails instead': async () => {
      const report = await client.check();
      ensure(
        status === undefined || report.status === status,
        `it says '${report.status}' and should say '${status}'`,
      );
    },
    'check() answers in time': async () => {
      const asked = performance.now();
      await check();
      ensure(performance.now() - asked <= within, `it took longer than ${within} ms`);
    },
    'check() says the same when it is asked again': async () => {
      const first = await check();
      const second = await check();
      ensure(first.status === second.status, `it said '${first.status}', then '${second.status}'`);
      const keys = [first, second].map(({ details = {} }) => Object.keys(details).sort().join());
      ensure(keys[0] === keys[1], `its details were about '${keys[0]}', then about '${keys[1]}'`);
    },
    'check() gives all callers that ask at once the same answer': async () => {
      const said = await Promise.all(Array.from({ length: CROWD }, check));
      ensure(
        new Set(said.map((one) => one.status)).size === 1,
        'callers that asked at once got different answers',
        { said: said.map((one) => one.status) },
      );
    },
  });
}
