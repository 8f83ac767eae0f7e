/** The blog's time: posts are published when they are due. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jobs } from '@plinth/jobs/host';
import { createTestKernel, reportText, testPlugin } from '@plinth/sdk/testing';
import { sql } from '@plinth/sql/host';
import { inFolder } from '../../../test/support.ts';
import { Blog } from '../src/contract.ts';

const id = 'com.example.blog';

const scheduled = (slug: string, at: string) => ({
  ...{ slug, title: slug, text: '', author: 'ada' },
  ...{ status: 'scheduled' as const, published: at, created: at, updated: at, comments: [] },
});

test('a post is published by the first run after its time, once, and that is told', async () => {
  await inFolder(async (directory) => {
    await using kernel = await createTestKernel({
      plugins: ['./dist/plugins/blog'],
      extensions: [sql({ directory }), jobs()],
    });
    const published: unknown[] = [];
    kernel.events.on(Blog.published, ({ slug }) => published.push(slug));
    const blog = kernel.client(Blog);
    await blog.load([scheduled('due', '2026-01-02T00:00:00.000Z')]);
    await blog.load([scheduled('later', '2999-01-02T00:00:00.000Z')]);
    const { run } = kernel.extension(jobs);
    await run(id, 'publish');
    await run(id, 'publish');
    assert.deepEqual(published, ['due']);
    assert.deepEqual(await blog.count(), { posts: 2, comments: 0 });
  });
});

test('is a good plugin', async () => {
  const report = await testPlugin('./dist/plugins/blog');
  assert.ok(report.ok, reportText(report));
});
