/** The plugins answer what the old program has answered: status, type, place and body. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { jobs } from '@plinth/jobs/host';
import { startMonolith } from '../monolith/monolith.ts';
import { Blog } from '../plugins/blog/src/contract.ts';
import { startService } from '../src/service.ts';
import { type Sent, send } from './send.ts';
import { inFolder, settingsIn } from './support.ts';

const HOST = 'acme.localhost:3000';
const USER = 'ada:ada-password';

/** Ids and times differ from run to run: each is called by the order in which it is first seen. */
function normalizer() {
  const seen = new Map<string, string>();
  return (text: string) =>
    text
      .replaceAll(/\b[0-9a-f]{64}\b/g, '<signature>')
      .replaceAll(/\b[0-9a-f]{12}\b/g, (id) => {
        if (!seen.has(id)) seen.set(id, `<id ${seen.size + 1}>`);
        return seen.get(id) ?? id;
      })
      .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d\.\d{3}Z)?/g, '<time>');
}

/** Both programs, asked in turns. */
async function withBoth(work: (both: Both) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    const settings = settingsIn(folder);
    const acme = settings.tenants.get('acme');
    assert.ok(acme);
    const { users, linkKey: key, origin } = acme;
    // The titles that the old program had.
    const config = { 'com.example.blog': { address: `${origin}/blog/` } };
    const file = join(folder, 'old.sqlite');
    const old = await startMonolith({
      file,
      users,
      key,
      address: `${origin}/blog/`,
    });
    try {
      const service = await startService({
        ...settings,
        tenants: new Map([['acme', { ...acme, config }]]),
      });
      try {
        await work(bothOf(old, file, service));
      } finally {
        await service.stop();
      }
    } finally {
      await old.stop();
    }
  });
}

type Both = ReturnType<typeof bothOf>;

function bothOf(
  old: Awaited<ReturnType<typeof startMonolith>>,
  file: string,
  service: Awaited<ReturnType<typeof startService>>,
) {
  const normal = [normalizer(), normalizer()] as const;
  const places: [string, string][] = [];
  return {
    /** Sends a request to both, and compares. `<1>` in a path is where the first form led. */
    async ask(sent: Sent, status: number) {
      const path = (at: 0 | 1) =>
        sent.path.replaceAll(/<(\d+)>/g, (_, number) => places[Number(number) - 1]?.[at] ?? '');
      const [before, after] = await Promise.all([
        send(old.url, { host: HOST, ...sent, path: path(0) }),
        send(service.url, { host: HOST, ...sent, path: path(1) }),
      ]);
      const compared = [before, after].map(({ status, type, location = '', text }, at) => {
        const normalize = normal[at as 0 | 1];
        // An address without a route had an empty answer. The service adds the reason.
        if (before.status >= 404 && before.text === '') return { status };
        return { status, type, location: normalize(location), text: normalize(text) };
      });
      const what = `${sent.method ?? ''} ${sent.path}`;
      assert.deepEqual(compared[1], compared[0], what);
      assert.equal(after.status, status, `${what}: ${after.text}`);
      if (before.location !== undefined && after.location !== undefined)
        places.push([before.location, after.location]);
      return [before, after] as const;
    },
    /** Leaves a post whose time has passed while a program didn't run. */
    async leaveDue(slug: string) {
      const text = { slug, title: 'Due', text: 'Text', author: 'ada' };
      const at = '2026-01-02T03:04:05.678Z';
      const post = {
        ...text,
        status: 'scheduled',
        published: at,
        created: at,
        updated: at,
      } as const;
      const db = new DatabaseSync(file);
      db.prepare('insert into posts values (?, ?, ?, ?, ?, ?, ?, ?)').run(...Object.values(post));
      db.close();
      await service.kernel
        .tenant('acme')
        .client(Blog)
        .load([{ ...post, comments: [] }]);
    },
    /** What both do each minute. */
    async publishDue() {
      old.publishDue();
      await service.kernel.tenant('acme').extension(jobs).run('com.example.blog', 'publish');
    },
  };
}

test('notes: pages', async () => {
  await withBoth(async ({ ask }) => {
    const user = USER;
    await ask({ path: '/notes/' }, 401);
    await ask({ path: '/notes/', user: 'ada:wrong-password' }, 401);
    await ask({ path: '/notes/', user }, 200);
    await ask({ path: '/notes/new', user }, 200);
    const note = {
      title: ' <b>Milk</b> & "bread" ',
      text: 'One.\n\nTwo ✓',
      tags: 'food, shop food',
    };
    await ask({ path: '/notes/', form: note, user }, 303);
    await ask({ path: '/notes/<1>', user }, 200);
    await ask({ path: '/notes/<1>/edit', user }, 200);
    const edited = { ...note, title: 'Milk', tags: 'food', revision: '1' };
    await ask({ path: '/notes/<1>', form: edited, user }, 303);
    await ask({ path: '/notes/<1>', form: edited, user }, 409);
    await ask({ path: '/notes/<1>/trail/1', user }, 200);
    await ask({ path: '/notes/<1>/trail/9', user }, 404);
    await ask({ path: '/notes/?q=MILK%20two', user }, 200);
    await ask({ path: '/notes/?q=100%25', user }, 200);
    await ask({ path: '/notes/?tag=food&tag=other', user }, 200);
    await ask({ path: '/notes/?q=%00', user }, 400);
    await ask({ path: '/notes/', form: { ...note, title: ' ' }, user }, 400);
    await ask({ path: '/notes/', form: { ...note, tags: 'a/b' }, user }, 400);
    await ask({ path: '/notes/', method: 'POST', user }, 400);
    const [shown] = await ask({ path: '/notes/<1>', user }, 200);
    const link = /shared\/[^"]+/.exec(shown.text)?.[0] ?? '';
    const key = link.slice(link.indexOf('?'));
    await ask({ path: `/notes/shared/<1>?key=${'0'.repeat(64)}` }, 404);
    await ask({ path: `/notes/shared/${'0'.repeat(12)}${key}` }, 404);
    await ask({ path: '/notes/<1>/delete', method: 'POST', user }, 303);
    await ask({ path: '/notes/<1>', user }, 404);
    await ask({ path: '/notes/<1>', method: 'PATCH', user }, 405);
    await ask({ path: '/notes/a/b/c/d', user }, 404);
  });
});

test('notes: links for readers, and posts of notes', async () => {
  await withBoth(async ({ ask }) => {
    const user = USER;
    const id = '0123456789ab';
    const at = '2026-01-02T03:04:05.678Z';
    const one = { title: 'Kept', text: 'Text', author: 'ada' };
    const trail = [{ number: 1, ...one, at }];
    const note = { id, ...one, tags: ['b', 'a'], created: at, updated: at, revision: 1, trail };
    const lines = `${JSON.stringify(note)}\n`;
    await ask({ path: '/notes/api/import', lines, user }, 200);
    await ask({ path: '/notes/api/import', lines, user }, 200);
    await ask({ path: '/notes/api/import', lines: `${lines}{`, user }, 400);
    await ask({ path: '/notes/api/import', lines: '{"id":"x"}', user }, 400);
    const twice = JSON.stringify({ ...note, trail: [...trail, ...trail] });
    await ask({ path: '/notes/api/import', lines: twice, user }, 400);
    await ask({ path: '/notes/api/export', user }, 200);
    const [shown] = await ask({ path: `/notes/${id}`, user }, 200);
    await ask({ path: `/notes/${/shared\/[^"]+/.exec(shown.text)?.[0]}` }, 200);
    await ask({ path: `/notes/${id}/publish`, method: 'POST', user }, 303);
    await ask({ path: `/notes/${id}/publish`, method: 'POST', user }, 303);
    await ask({ path: '/blog/', user }, 200);
    await ask({ path: '<1>', user }, 200);
    await ask({ path: '<2>', user }, 200);
  });
});

test('notes: API', async () => {
  await withBoth(async ({ ask }) => {
    const user = USER;
    const path = '/notes/api/notes';
    await ask({ path }, 401);
    await ask({ path, user }, 200);
    const made = await ask({ path, json: { title: 'One', text: '', tags: ['x', 'X'] }, user }, 201);
    const [before, after] = made.map((got) => (got.json() as { id: string }).id);
    assert.notEqual(before, after);
    for (const text of [1, '\0', '\ud800'])
      await ask({ path, json: { title: 'x', text }, user }, 400);
    await ask({ path, json: { title: 'x'.repeat(201), text: '' }, user }, 400);
    await ask(
      {
        path,
        json: {
          title: 'One',
          text: '',
          tags: Array(21)
            .fill(0)
            .map((_, at) => `t${at}`),
        },
        user,
      },
      400,
    );
    await ask({ path, method: 'POST', headers: { 'content-type': 'application/json' }, user }, 400);
    await ask({ path: `${path}/none`, user }, 404);
    await ask({ path: `${path}/none`, method: 'PUT', json: { title: 'x', text: '' }, user }, 404);
    await ask({ path: `${path}/none`, method: 'DELETE', user }, 404);
    await ask({ path: `${path}/none/trail`, user }, 404);
    await ask({ path: `${path}?q=one&tag=x`, user }, 200);
  });
});

test('blog: posts, times, comments and the feed', async () => {
  await withBoth(async ({ ask, leaveDue, publishDue }) => {
    const user = USER;
    await ask({ path: '/blog/' }, 200);
    await ask({ path: '/blog/new' }, 401);
    await ask({ path: '/blog/new', user }, 200);
    await ask({ path: '/blog/', form: { title: 'Crème <brûlée>', text: 'A & B\n\nC' } }, 401);
    await ask({ path: '/blog/', form: { title: 'Crème <brûlée>', text: 'A & B\n\nC' }, user }, 303);
    await ask({ path: '/blog/', form: { title: 'New', text: '' }, user }, 303);
    await ask({ path: '/blog/', form: { title: '', text: '' }, user }, 400);
    await ask({ path: '/blog/<1>' }, 404);
    await ask({ path: '/blog/<1>', user }, 200);
    await ask({ path: '/blog/<1>/comments', form: { name: 'Bob', text: 'Hi' } }, 404);
    await ask({ path: '/blog/<1>/publish', form: { at: 'soon' }, user }, 400);
    await ask({ path: '/blog/<1>/publish', form: { at: '2999-01-01T00:00:00+99:99' }, user }, 400);
    await ask({ path: '/blog/<1>/publish', form: { at: '2999-01-01T00:00' }, user }, 303);
    await ask({ path: '/blog/<1>' }, 404);
    const at = '2999-01-01T00:00:00+01:00';
    await ask({ path: '/blog/api/posts/<1>/publish', json: { at }, user }, 200);
    await leaveDue('due');
    await ask({ path: '/blog/due' }, 404);
    await ask({ path: '/blog/feed.atom' }, 200);
    await publishDue();
    await ask({ path: '/blog/due' }, 200);
    await ask({ path: '/blog/<1>' }, 404);
    await ask({ path: '/blog/<1>/publish', method: 'POST', user }, 303);
    await ask({ path: '/blog/<1>' }, 200);
    await ask({ path: '/blog/<1>/edit' }, 401);
    await ask({ path: '/blog/<1>/edit', user }, 200);
    await ask({ path: '/blog/<1>', form: { title: 'Crème', text: 'D' }, user }, 303);
    await ask({ path: '/blog/feed.atom' }, 200);
    await ask({ path: '/blog/<1>/comments', form: { name: '<i>Bob</i>', text: 'Hi\n\nyou' } }, 201);
    await ask({ path: '/blog/<1>/comments', form: { name: 'Eve', text: '' } }, 400);
    await ask({ path: '/blog/<1>' }, 200);
    await ask({ path: '/blog/comments' }, 401);
    await ask({ path: '/blog/comments', user }, 200);
    const waiting = await ask({ path: '/blog/api/comments', user }, 200);
    const [before, after] = waiting.map((got) => (got.json() as { id: string }[])[0]?.id);
    assert.match(before ?? '', /^[0-9a-f]{12}$/);
    assert.notEqual(before, after);
    await ask({ path: '/blog/comments/none', form: { do: 'approve' }, user }, 404);
    await ask({ path: '/blog/comments/none', form: { do: 'delete' }, user }, 404);
    await ask({ path: '/blog/<1>/delete', method: 'POST', user }, 303);
    await ask({ path: '/blog/<1>', user }, 404);
    await ask({ path: '/blog/' }, 200);
  });
});

test('blog: API', async () => {
  await withBoth(async ({ ask }) => {
    const user = USER;
    const path = '/blog/api/posts';
    await ask({ path }, 200);
    await ask({ path, json: { title: 'A post', text: 'x' } }, 401);
    await ask({ path, json: { title: 'A post', text: 'x' }, user }, 201);
    await ask({ path, json: { title: 'A post', text: 'y' }, user }, 201);
    await ask({ path, json: { title: '…', text: 'z' }, user }, 201);
    await ask({ path, json: { title: 'api', text: '' }, user }, 201);
    await ask({ path, json: [], user }, 400);
    await ask({ path: `${path}/a-post` }, 404);
    await ask({ path: `${path}/a-post-2`, user }, 200);
    await ask({ path: `${path}/a-post`, method: 'PUT', json: { title: 'B', text: '' }, user }, 200);
    await ask({ path: `${path}/a-post/publish`, json: {}, user }, 200);
    await ask({ path: `${path}/none/publish`, json: {}, user }, 404);
    await ask({ path: `${path}/a-post/comments`, json: { name: 'Bob', text: 'Hi' } }, 201);
    await ask({ path: `${path}/a-post/comments`, json: { name: 'Bob' } }, 400);
    await ask({ path: `${path}/a-post/comments` }, 200);
    await ask({ path: '/blog/api/comments' }, 401);
    await ask({ path: '/blog/api/comments/none/approve', json: {}, user }, 404);
    await ask({ path: '/blog/api/comments/none', method: 'DELETE', user }, 404);
    await ask({ path: `${path}/a-post-2`, method: 'DELETE', user }, 204);
    await ask({ path: `${path}/a-post-2`, method: 'DELETE', user }, 404);
    await ask({ path, user }, 200);
    await ask({ path }, 200);
  });
});
