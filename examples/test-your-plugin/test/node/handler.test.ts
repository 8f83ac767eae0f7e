/** One handler alone: `activate` gets a context that records what happens. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestContext } from '@plinth/sdk/testing';
import { Units } from '../../plugins/units/src/contract.ts';
import { units } from '../plugin.ts';

test('a conversion is counted in its storage', async (t) => {
  const context = await createTestContext(units);
  t.after(() => context.stop());
  await units.plugin.activate(context);
  assert.deepEqual(await context.invoke(Units.convert, { value: 2, from: 'km', to: 'm' }), {
    value: 2_000,
  });
  assert.deepEqual(await context.stored(), { count: 1 });
});
