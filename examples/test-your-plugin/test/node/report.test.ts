/** Everything that can be found out about the plugin by running it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reportText, testPlugin } from '@plinth/sdk/testing';
import { units } from '../plugin.ts';

test('units is a good plugin', async () => {
  const report = await testPlugin(units, {
    samples: { convert: [{ value: 3, from: 'km', to: 'm' }], count: [undefined] },
    budget: { activate: 2_000, call: 100 },
  });
  assert.ok(report.ok, reportText(report));
});
