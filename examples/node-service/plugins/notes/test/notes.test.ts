/** The notes as other plugins see them, and as the test kit does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { http } from '@plinth/http/host';
import { createTestKernel, reportText, stub, testPlugin } from '@plinth/sdk/testing';
import { sql } from '@plinth/sql/host';
import { inFolder } from '../../../test/support.ts';
import { Blog } from '../../blog/src/contract.ts';
import { Notes } from '../src/contract.ts';

const base = 'http://localhost/plugins/com.example.notes';

test('saving is told, and a post is drafted by the provider of the blog', async () => {
  await inFolder(async (directory) => {
    const drafts: unknown[] = [];
    await using kernel = await createTestKernel({
      plugins: ['./dist/plugins/notes'],
      contracts: [
        stub(Blog, {
          draft(input) {
            drafts.push(input);
            return { slug: 'one' };
          },
        }),
      ],
      extensions: [sql({ directory }), http({ authenticate: () => 'ada' })],
    });
    const saved: unknown[] = [];
    kernel.events.on(Notes.saved, (note) => saved.push(note));
    const { fetch } = kernel.extension(http);
    const put = async (path: string, method: string, json?: unknown) =>
      fetch(
        new Request(base + path, {
          method,
          headers: { 'content-type': 'application/json' },
          ...(json !== undefined && { body: JSON.stringify(json) }),
        }),
      );
    const made = await put('/api/notes', 'POST', { title: 'One', text: 'Text' });
    const { id } = (await made.json()) as { id: string };
    await put(`/api/notes/${id}`, 'PUT', { title: 'Two', text: 'Text' });
    assert.deepEqual(saved, [
      { id, title: 'One', revision: 1 },
      { id, title: 'Two', revision: 2 },
    ]);
    assert.equal((await put(`/${id}/publish`, 'POST')).headers.get('location'), '/blog/one/edit');
    assert.deepEqual(drafts, [{ title: 'Two', text: 'Text', author: 'ada' }]);
    const found = await kernel.client(Notes).find({ words: 'two' });
    assert.deepEqual(
      found.map(({ title }) => title),
      ['Two'],
    );
    // Without a key of the tenant there are no links.
    assert.equal((await put(`/${id}`, 'GET')).status, 503);
  });
});

test('is a good plugin', async () => {
  const report = await testPlugin('./dist/plugins/notes');
  assert.ok(report.ok, reportText(report));
});
