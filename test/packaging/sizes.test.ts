/**
 * What is loaded stays within its budget. `node test/packaging/sizes.ts` lists the share of each
 * module.
 */
import { expect, it } from 'vitest';
import { BUDGETS, weigh } from './sizes.ts';

it.each(BUDGETS.map((budget) => [budget.name, budget] as const))('%s', async (name, budget) => {
  const { gzip, modules } = await weigh(budget);
  const heaviest = modules.slice(0, 10).map((share) => `${share.module} ${share.gzip}`);
  const most = budget.meanwhile ?? budget.gzip;
  expect(
    gzip,
    `${name} weighs ${gzip} B of ${most}; the heaviest: ${heaviest.join(', ')}`,
  ).toBeLessThanOrEqual(most);
});
