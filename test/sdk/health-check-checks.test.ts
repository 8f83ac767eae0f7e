/** The checks of `HealthCheck` find the faults they are for. */
import { HealthCheck } from '@plinth/sdk/contracts';
import { alternate, contractChecks, prove, wait } from './prove.ts';

interface Report {
  readonly status: 'healthy' | 'degraded' | 'unhealthy';
  readonly details?: Record<string, unknown>;
}
interface Parts {
  check(): Report | Promise<Report>;
}

const healthy: Report = { status: 'healthy', details: { disk: 'ok' } };
let checking = 0;

prove<typeof HealthCheck, Parts>({
  contract: HealthCheck,
  implement: ({ check = () => healthy }) => ({ check: () => check() }),
  checks: (kernel) =>
    contractChecks(HealthCheck, kernel.client(HealthCheck), { status: 'healthy', within: 1_500 }),
  mutants: [
    [
      'a status of its own',
      { check: () => ({ status: 'fine' }) as unknown as Report },
      'check() answers how it is, and never fails instead',
    ],
    [
      'nothing',
      { check: () => undefined as unknown as Report },
      'check() answers how it is, and never fails instead',
    ],
    [
      'the wrong status',
      { check: () => ({ status: 'degraded' }) },
      'check() answers how it is, and never fails instead',
    ],
    [
      'fails when something is wrong',
      { check: () => Promise.reject(new Error('disk full')) },
      'check() answers how it is, and never fails instead',
    ],
    ['takes its time', { check: () => wait(2_000).then(() => healthy) }, 'check() answers in time'],
    ['never answers', { check: () => new Promise(() => {}) }, 'check() answers in time'],
    [
      'changes its mind',
      { check: alternate<Report>({ status: 'healthy' }, { status: 'unhealthy' }) },
      'check() says the same when it is asked again',
    ],
    [
      'tells something else each time',
      { check: alternate<Report>(healthy, { ...healthy, details: { memory: 'ok' } }) },
      'check() says the same when it is asked again',
    ],
    [
      'is degraded by being asked',
      {
        async check() {
          checking += 1;
          await wait(5);
          const status = checking > 1 ? 'degraded' : 'healthy';
          await wait(5);
          checking -= 1;
          return checking === 0 ? healthy : { status };
        },
      },
      'check() gives all callers that ask at once the same answer',
    ],
  ],
});
