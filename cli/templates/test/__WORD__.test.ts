import { __NAME__ } from '__CONTRACT__';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKernel } from '@plinth/host-node';

test('greets by name, and counts', async () => {
  const kernel = await createKernel({ plugins: '__PLUGINS__' });
  try {
    await kernel.start();
    const greeter = kernel.client(__NAME__);
    assert.deepEqual(await greeter.greet({ name: 'Ada' }), { text: 'Hello, Ada!', times: 1 });
    assert.deepEqual(await greeter.greet({ name: 'Ada' }), { text: 'Hello, Ada!', times: 2 });
    await assert.rejects(greeter.greet({ name: '' }), { code: 'call/invalid-input' });
  } finally {
    await kernel.stop();
  }
});
