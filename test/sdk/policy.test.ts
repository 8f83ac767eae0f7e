/** Policies that a contract declares for its commands. */
import { policyOf, policyProblem } from '@plinth/sdk/contract';
import { expect, it } from 'vitest';

it('policyOf() takes the parts of a policy and leaves the rest of a command', () => {
  expect(policyOf({ retry: true, cache: 5, input: {} } as never)).toEqual({
    retry: true,
    cache: 5,
  });
  expect(policyOf({ input: {} } as never)).toBeUndefined();
});

it.each<Record<string, unknown>>([
  { retry: true },
  { retry: 3 },
  { retry: { attempts: 0, backoff: 100 } },
  { breaker: { threshold: 0.5, calls: 20 } },
  { bulkhead: { concurrency: 2, queue: 0 } },
  { rate: { limit: 10, per: 1_000 } },
  { cache: { ttl: 100, stale: 0 } },
  { retry: undefined },
])('%j is valid', (policy) => {
  expect(policyProblem(policy)).toBeUndefined();
});

it.each<Record<string, unknown>>([
  { retry: -1 },
  { retry: { attempts: 1, tries: 2 } },
  { breaker: { threshold: 1 } },
  { bulkhead: { queue: 3 } },
  { rate: 0 },
  { cache: { stale: 100 } },
  { cached: 5 },
])('%j is refused by the name of its part', (policy) => {
  expect(policyProblem(policy)).toBe(Object.keys(policy)[0]);
});
