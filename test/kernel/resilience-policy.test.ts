/** The policy of a command: which layer decides, which limits add up, and what is refused. */
import { describe, expect, it } from 'vitest';
import type { DeclaredPolicy } from '../../kernel/src/commands/command-guards.ts';
import { checkResilience } from '../../kernel/src/extensions/resilience/check-policies.ts';
import {
  type CallPolicy,
  policyFor,
  type ResilienceOptions,
} from '../../kernel/src/extensions/resilience/policy.ts';

const ID = 'test.a:read';
const declared = (more?: Partial<DeclaredPolicy>): DeclaredPolicy => ({
  idempotent: true,
  ...more,
});

describe('policyFor()', () => {
  it('returns nothing for a command of which nothing is said', () => {
    expect(policyFor(ID, {}, declared())).toBeUndefined();
    expect(policyFor(ID, { 'test.b:*': { timeout: 5 } }, declared())).toBeUndefined();
  });

  it('lets the longer pattern decide, part by part, over the manifest and the contract', () => {
    const policy = policyFor(
      ID,
      { 'test.a:*': { timeout: 2, cache: 20 }, '*': { timeout: 1, breaker: true }, [ID]: {} },
      declared({ policies: [{ cache: 5, retry: 1 }, { retry: 2 }] }),
    );
    expect(policy).toMatchObject({
      timeout: 2,
      cache: { ttl: 20, stale: 0, size: 1_000 },
      breaker: { threshold: 0.5, calls: 20, halfOpenAfter: 10_000 },
      retry: { attempts: 2, backoff: 100, maxBackoff: 10_000 },
    });
  });

  it('lets the command itself decide over a pattern that is longer by its star alone', () => {
    const options = { [ID]: { timeout: 1 }, [`${ID}*`]: { timeout: 2 } };
    expect(policyFor(ID, options, declared())?.timeout).toBe(1);
    expect(policyFor(`${ID}All`, options, declared())?.timeout).toBe(2);
  });

  it('does not let an undefined part hide the part of a weaker layer', () => {
    const said = { timeout: undefined } as unknown as CallPolicy;
    expect(policyFor(ID, { '*': { timeout: 7 }, [ID]: said }, declared())?.timeout).toBe(7);
  });

  it('retries no command that is not idempotent, and none whose retries are switched off', () => {
    const unsafe = policyFor(ID, { '*': { retry: 3 } }, declared({ idempotent: false }));
    const off = policyFor(ID, { '*': { retry: true }, [ID]: { retry: false } }, declared());
    expect([unsafe, off]).toMatchObject([{ retry: undefined }, { retry: undefined }]);
  });

  it('waits at most as long as at first when the first wait is longer than usual', () => {
    const policy = policyFor(ID, { '*': { retry: { backoff: 60_000 } } }, declared());
    expect(policy?.retry).toEqual({ attempts: 3, backoff: 60_000, maxBackoff: 60_000 });
  });

  it('takes the lowest rate of all layers, compared over time', () => {
    expect(
      policyFor(
        ID,
        { '*': { rate: 100 }, [ID]: { rate: { limit: 10, per: 1_000 } } },
        declared({ policies: [{ rate: 200 }] }),
      )?.rate,
    ).toEqual({ limit: 100, per: 60_000 });
  });

  it('uses the default rate only where no layer sets one', () => {
    const limit = (options: ResilienceOptions, more?: Partial<DeclaredPolicy>) =>
      policyFor(ID, options, declared(more), { rateLimit: 5 })?.rate?.limit;
    expect(limit({})).toBe(5);
    expect(limit({}, { rateLimit: 50 })).toBe(50);
    expect(limit({ '*': { rate: 70 } })).toBe(70);
  });

  it('takes the narrowest bulkhead', () => {
    expect(
      policyFor(
        ID,
        { '*': { bulkhead: { concurrency: 2, queue: 9 } }, [ID]: { bulkhead: 8 } },
        declared({ policies: [{ bulkhead: 2 }] }),
      )?.bulkhead,
    ).toEqual({ concurrency: 2, queue: 0 });
  });

  it('bounds what a plugin asks for, and not what the application decides', () => {
    const much = { retry: 1_000, cache: { ttl: 1, size: 1e9 } };
    expect(policyFor(ID, {}, declared({ policies: [much] }))).toMatchObject({
      retry: { attempts: 10 },
      cache: { size: 10_000 },
    });
    const own = policyFor(ID, { '*': much }, declared());
    expect(own).toMatchObject({ retry: { attempts: 1_000 }, cache: { size: 1e9 } });
  });

  it('needs a user by default only where the manifest says nothing', () => {
    expect(policyFor(ID, {}, declared(), { requiresAuth: true })?.requiresAuth).toBe(true);
    const open = declared({ requiresAuth: false });
    expect(policyFor(ID, {}, open, { requiresAuth: true })).toBeUndefined();
  });
});

describe('checkResilience()', () => {
  it('accepts no options, and every known part', () => {
    expect(() => checkResilience(undefined)).not.toThrow();
    expect(() =>
      checkResilience({ '*': { timeout: 1, retry: 0, breaker: false, fallback: () => 1 } }),
    ).not.toThrow();
  });

  it('refuses a wrong part, and a misspelt one, with the pattern and the key', () => {
    for (const [policy, key, what] of [
      [{ timeout: -1 }, 'timeout', 'cannot be -1'],
      [{ breaker: { threshold: 1 } }, 'breaker', 'cannot be {"threshold":1}'],
      [{ cahce: 5 }, 'cahce', "is not an option (did you mean 'cache'?)"],
      [{ fallback: 'text' }, 'fallback', 'cannot be "text"'],
    ] as const)
      expect(() => checkResilience({ 'test.a:*': policy as unknown as CallPolicy })).toThrow(
        expect.objectContaining({
          code: 'kernel/invalid-option',
          message: `'resilience['test.a:*'].${key}' ${what}`,
        }),
      );
  });
});
