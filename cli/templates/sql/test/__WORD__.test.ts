import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createTestKernel, reportText, testPlugin } from '@plinth/sdk/testing';
import { sql } from '@plinth/sql/host';
import { __NAME__ } from '../src/contract.ts';

test('keeps entries, and finds them after a restart', async () => {
  const directory = await mkdtemp(join(tmpdir(), '__WORD__-'));
  const open = () =>
    createTestKernel({ plugins: ['./dist/plugin'], extensions: [sql({ directory })] });
  let kernel = await open();
  try {
    const { add } = kernel.client(__NAME__);
    assert.deepEqual(await add({ text: 'buy milk' }), { id: 1 });
    assert.deepEqual(await add({ text: 'buy bread' }), { id: 2 });
    await kernel.stop();
    kernel = await open();
    const { find, remove } = kernel.client(__NAME__);
    assert.deepEqual(await find({ words: 'milk' }), [{ id: 1, text: 'buy milk' }]);
    assert.equal(await remove({ id: 1 }), true);
    assert.equal(await remove({ id: 1 }), false);
    assert.deepEqual(await find({ words: '' }), [{ id: 2, text: 'buy bread' }]);
  } finally {
    await kernel.stop();
    await rm(directory, { recursive: true, force: true });
  }
});

test('is a good plugin', async () => {
  const report = await testPlugin('./dist/plugin');
  assert.ok(report.ok, reportText(report));
});
