import assert from 'node:assert/strict';
import { test } from 'node:test';
import { http } from '@plinth/http/host';
import { createTestKernel, reportText, testPlugin } from '@plinth/sdk/testing';

const base = 'http://localhost/plugins/__ID__';

test('keeps texts by name', async () => {
  const kernel = await createTestKernel({ plugins: ['./dist/plugin'], extensions: [http()] });
  try {
    const { fetch } = kernel.extension(http);
    const put = { method: 'PUT', headers: { 'content-type': 'text/plain' }, body: 'milk' };
    assert.equal((await fetch(new Request(`${base}/texts/list`, put))).status, 201);
    const kept = await fetch(new Request(`${base}/texts/list`));
    assert.deepEqual([kept.status, await kept.text()], [200, 'milk']);
    const names = await fetch(new Request(`${base}/texts`));
    assert.deepEqual(await names.json(), ['list']);
    const none = await fetch(new Request(`${base}/texts/none`));
    assert.equal(none.status, 404);
    const posted = await fetch(new Request(`${base}/texts/list`, { method: 'POST' }));
    assert.equal(posted.status, 405);
    assert.deepEqual(await kernel.storageOf('__ID__'), { list: 'milk' });
  } finally {
    await kernel.stop();
  }
});

test('is a good plugin', async () => {
  const report = await testPlugin('./dist/plugin');
  assert.ok(report.ok, reportText(report));
});
