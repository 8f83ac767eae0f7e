import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestKernel, reportText, testPlugin } from '@plinth/sdk/testing';
import { ui } from '@plinth/ui/host';
import { openView } from '@plinth/ui/testing';

const present = { notify() {}, ask: async () => null };
const extensions = () => [ui({ slots: ['sidebar'], present })];

test('counts presses', async () => {
  const kernel = await createTestKernel({ plugins: ['./dist/plugin'], extensions: extensions() });
  try {
    const view = await openView(kernel, { plugin: '__ID__', view: 'counter' });
    await view.press('More');
    await view.press('More');
    await view.shows('Count 2');
    await view.close();
  } finally {
    await kernel.stop();
  }
});

test('is a good plugin', async () => {
  const samples = { 'plinth.view:open': [{ session: 'test', view: 'counter' }] };
  const report = await testPlugin('./dist/plugin', { samples });
  assert.ok(report.ok, reportText(report));
});
