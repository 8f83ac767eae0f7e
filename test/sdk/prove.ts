/**
 * Proves checks: a correct implementation passes all of them, and each fault is found by its check.
 */
import type { Kernel } from '@plinth/kernel';
import type { AnyContract, Handlers, PluginContext } from '@plinth/sdk';
import { type Check, contractChecks } from '@plinth/sdk/testing';
import { describe, expect, it } from 'vitest';
import { rejection, startKernel } from '../support/kernels.ts';

export { contractChecks };

/** The fault, the faulty part of the implementation, and the check that must find it. */
export type Mutant<Parts> = readonly [fault: string, part: Partial<Parts>, check: string];

/** The subject of a proof. */
export interface Proof<C extends AnyContract, Parts> {
  readonly contract: C;
  /** The implementation, with some of its parts replaced. */
  implement(parts: Partial<Parts>): Handlers<C>;
  readonly mutants: readonly Mutant<Parts>[];
  checks(kernel: Kernel): readonly Check[];
}

/** Declares the tests of one contract's checks. */
export function prove<C extends AnyContract, Parts>({
  contract,
  implement,
  mutants,
  checks,
}: Proof<C, Parts>): void {
  const checksOf = async (parts: Partial<Parts>) => {
    const plugin = { activate: (ctx: PluginContext) => ctx.provide(contract, implement(parts)) };
    const manifest = {
      id: 'test.provider',
      version: '1.0.0',
      main: 'plugin.js',
      engines: { plinth: '^1.0.0' },
      provides: [contract.$id],
    };
    return checks(await startKernel({ isolation: 'inline' }, [{ manifest, plugin }]));
  };

  describe(`checks of ${contract.$id}`, () => {
    it('pass for a correct implementation, twice', async () => {
      const all = await checksOf({});
      for (const { run } of [...all, ...all]) await run();
    });

    it.each(mutants)('%s', async (_, part, name) => {
      const check = (await checksOf(part)).find((one) => one.name === name);
      expect(check, name).toBeDefined();
      const error = await rejection((check as Check).run());
      expect(error).toMatchObject({
        name: 'PluginProtocolError',
        code: 'contract/violated',
        details: { contract: contract.$id, check: name },
      });
      expect(error.message).toContain(name);
    });

    it('each find at least one fault', async () => {
      const proven = new Set(mutants.map(([, , check]) => check));
      expect(
        (await checksOf({})).map(({ name }) => name).filter((name) => !proven.has(name)),
      ).toEqual([]);
    });
  });
}

/** Returns one value, then the next, and so on. */
export function alternate<T>(...answers: readonly T[]): () => T {
  let asked = 0;
  return () => answers[asked++ % answers.length] as T;
}

/** Resolves later. */
export function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
