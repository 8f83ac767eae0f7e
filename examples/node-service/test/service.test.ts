/** The service as its users and operators see it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseEnv } from 'node:util';
import { startMonolith } from '../monolith/monolith.ts';
import { moveData } from '../scripts/move-data.ts';
import { startService } from '../src/service.ts';
import { readSettings, type Settings } from '../src/settings.ts';
import { send } from './send.ts';
import { ENVIRONMENT, inFolder, settingsIn } from './support.ts';

const USERS = [
  ['acme', 'ada:ada-password'],
  ['globex', 'grace:grace-password'],
  ['initech', 'milton:milton-password'],
] as const;
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** Runs a service over a folder. */
async function serving<T>(settings: Settings, work: (url: string) => Promise<T>): Promise<T> {
  const service = await startService(settings);
  try {
    return await work(service.url);
  } finally {
    await service.stop();
  }
}

test('tenants have their own notes, posts, users, settings and links, also after a restart', async () => {
  await inFolder(async (folder) => {
    const settings = settingsIn(folder);
    const links = await serving(settings, async (url) => {
      const made: string[] = [];
      for (const [tenant, user] of USERS) {
        const host = `${tenant}.localhost:3000`;
        const note = { title: `Of ${tenant}`, text: 'kept' };
        const { location = '' } = await send(url, { host, path: '/notes/', form: note, user });
        const { text } = await send(url, { host, path: `/notes/${location}`, user });
        made.push(/shared\/[^"]+/.exec(text)?.[0] ?? '');
        const { slug } = (
          await send(url, { host, path: '/blog/api/posts', json: note, user })
        ).json() as { slug: string };
        await send(url, { host, path: `/blog/${slug}/publish`, method: 'POST', user });
      }
      return made;
    });
    assert.equal(new Set(links).size, 3);
    await serving(settings, async (url) => {
      for (const [at, [tenant, user]] of USERS.entries()) {
        const host = `${tenant}.localhost:3000`;
        const list = await send(url, { host, path: '/notes/', user });
        assert.deepEqual(list.text.match(/Of \w+/g), [`Of ${tenant}`]);
        const blog = await send(url, { host, path: '/blog/' });
        assert.deepEqual(blog.text.match(/Of \w+/g), [`Of ${tenant}`]);
        const feed = await send(url, { host, path: '/blog/feed.atom' });
        assert.match(feed.text, new RegExp(`<id>http://${host}/blog/of-${tenant}</id>`));
        for (const [other, link] of links.entries()) {
          const { status } = await send(url, { host, path: `/notes/${link}` });
          assert.equal(status, other === at ? 200 : 404);
        }
        const [, stranger] = USERS[(at + 1) % 3] ?? [];
        assert.equal((await send(url, { host, path: '/notes/', user: stranger })).status, 401);
      }
      const blog = await send(url, { host: 'acme.localhost:3000', path: '/blog/' });
      assert.match(blog.text, /<h1>Acme News<\/h1>/);
    });
  });
});

test('edits and titles that come at the same time are all answered, and none is lost', async () => {
  await inFolder((folder) =>
    serving(settingsIn(folder), async (url) => {
      const [host, user] = ['acme.localhost:3000', 'ada:ada-password'];
      const all = (sent: Parameters<typeof send>[1]) =>
        Promise.all(Array.from({ length: 12 }, () => send(url, { host, user, ...sent })));
      const json = { title: 'Same', text: '' };
      const posts = await all({ path: '/blog/api/posts', json });
      assert.deepEqual([...new Set(posts.map(({ status }) => status))], [201]);
      assert.equal(new Set(posts.map((one) => (one.json() as { slug: string }).slug)).size, 12);
      const made = await send(url, { host, user, path: '/notes/api/notes', json });
      const { id } = made.json() as { id: string };
      const path = `/notes/api/notes/${id}`;
      const edits = await all({ path, method: 'PUT', json });
      assert.deepEqual([...new Set(edits.map(({ status }) => status))], [200]);
      const trail = await send(url, { host, user, path: `${path}/trail` });
      assert.equal((trail.json() as unknown[]).length, 13);
      const guarded = await all({ path, method: 'PUT', json: { ...json, revision: 13 } });
      assert.deepEqual(guarded.map(({ status }) => status).sort(), [200, ...Array(11).fill(409)]);
    }),
  );
});

test('hosts that are no tenant, strangers and forms of other pages are refused', async () => {
  await inFolder((folder) =>
    serving(settingsIn(folder), async (url) => {
      const status = async (sent: Parameters<typeof send>[1]) => (await send(url, sent)).status;
      for (const host of [
        'other.localhost',
        'evil.example',
        'tenant-0.localhost',
        'x.acme.localhost',
      ])
        assert.equal(await status({ host, path: '/notes/' }), 404, host);
      for (const path of ['/notes/', '/plugins/com.example.notes/'])
        assert.equal(await status({ path }), 404);
      const host = 'acme.localhost:3000';
      const form = { title: 'x', text: '' };
      const user = 'ada:ada-password';
      const headers = { origin: 'http://globex.localhost:3000' };
      assert.equal(await status({ host, path: '/notes/', form, user, headers }), 403);
      const own = { origin: `http://${host}` };
      assert.equal(await status({ host, path: '/notes/', form, user, headers: own }), 303);
      const sneaky = '/notes/%2e%2e/api/v1/plugins';
      assert.equal(await status({ host, path: sneaky }), 404);
      assert.equal(await status({ host, path: '/notes/%2e%2e/%2e%2e/metrics' }), 401);
      assert.equal(await status({ host, path: '/notes' }), 308);
    }),
  );
});

test('operators see plugins and metrics, and health is for all', async () => {
  await inFolder((folder) =>
    serving(settingsIn(folder), async (url) => {
      const { ADMIN_TOKEN, METRICS_TOKEN } = ENVIRONMENT;
      for (const host of ['127.0.0.1', 'localhost:3000', '[::1]', '10.1.2.3:3000'])
        assert.equal((await send(url, { host, path: '/health/ready' })).status, 200, host);
      assert.equal((await send(url, { path: '/api/v1/plugins' })).status, 401);
      assert.equal((await send(url, { path: '/metrics' })).status, 401);
      assert.equal(
        (await send(url, { path: '/metrics', headers: bearer(ADMIN_TOKEN) })).status,
        401,
      );
      const headers = { ...bearer(ADMIN_TOKEN), 'x-plinth-tenant': 'globex' };
      const plugins = await send(url, { path: '/api/v1/plugins', headers });
      assert.deepEqual(
        (plugins.json() as { plugins: { id: string; state: string }[] }).plugins.map(
          ({ id, state }) => [id, state],
        ),
        [
          ['com.example.blog', 'active'],
          ['com.example.notes', 'active'],
        ],
      );
      await send(url, { host: 'acme.localhost:3000', path: '/blog/' });
      const { text } = await send(url, { path: '/metrics', headers: bearer(METRICS_TOKEN) });
      assert.match(text, /http_server_request_duration_count\{[^}]*plugin_tenant="acme"[^}]*\} 1/);
      assert.match(text, /plugin_command_calls_total\{[^}]*plugin_id="com.example.blog"/);
    }),
  );
});

test('requests in flight when the service stops are answered, and what was acknowledged is kept', async () => {
  await inFolder(async (folder) => {
    const settings = settingsIn(folder);
    const service = await startService(settings);
    const host = 'acme.localhost:3000';
    const user = 'ada:ada-password';
    // The body of this one is still missing when the service stops.
    const unfinished = request(new URL('/notes/api/notes', service.url), {
      method: 'POST',
      auth: user,
      headers: { host, expect: '100-continue', 'content-length': 2 },
    });
    unfinished.flushHeaders();
    await once(unfinished, 'continue');
    const note = { title: 'Kept', text: '' };
    const sent = Array.from({ length: 20 }, () =>
      send(service.url, { path: '/notes/api/notes', host, user, json: note }),
    );
    await Promise.race(sent);
    const stopped = service.stop();
    unfinished.end('{}');
    const [answer] = (await once(unfinished, 'response')) as [IncomingMessage];
    assert.equal(answer.statusCode, 503);
    answer.resume();
    const statuses = (await Promise.all(sent)).map(({ status }) => status);
    assert.deepEqual(
      statuses.filter((one) => one !== 201 && one !== 503),
      [],
    );
    await stopped;
    await assert.rejects(send(service.url, { path: '/health' }), { code: 'ECONNREFUSED' });
    await serving(settings, async (url) => {
      const { text } = await send(url, { host, path: '/notes/api/export', user });
      const kept = text.split('\n').filter((line) => line !== '');
      assert.equal(kept.length, statuses.filter((one) => one === 201).length);
    });
  });
});

test("moves the old program's data, and goes on with a move that was interrupted", async () => {
  await inFolder(async (folder) => {
    const settings = settingsIn(folder);
    const acme = settings.tenants.get('acme');
    assert.ok(acme);
    const file = join(folder, 'old.sqlite');
    const user = 'ada:ada-password';
    const old = await startMonolith({
      file,
      users: acme.users,
      key: acme.linkKey,
      address: `${acme.origin}/blog/`,
    });
    const add = (number: number) =>
      send(old.url, {
        path: '/notes/api/notes',
        json: { title: `Note ${number}`, text: 'old', tags: ['old'] },
        user,
      });
    for (let number = 1; number <= 120; number++) await add(number);
    const { location = '' } = await send(old.url, {
      path: '/blog/',
      form: { title: 'Old post', text: 'old' },
      user,
    });
    await send(old.url, { path: `/blog/${location}/publish`, method: 'POST', user });
    const comment = { name: 'Bob', text: 'Hi' };
    await send(old.url, { path: `/blog/${location}/comments`, form: comment });
    const exported = await send(old.url, { path: '/notes/api/export', user });
    const waiting = await send(old.url, { path: '/blog/api/comments', user });
    const post = await send(old.url, { path: '/blog/api/posts/old-post' });
    await old.stop();

    const moved = { notes: 120, revisions: 120, posts: 1, comments: 1 };
    assert.deepEqual(await moveData(file, 'acme', settings), moved);
    assert.deepEqual(await moveData(file, 'acme', settings), moved);
    await assert.rejects(moveData(file, 'other', settings), /no tenant 'other'/);
    await assert.rejects(moveData(join(folder, 'none'), 'acme', settings), /there is no/);
    await serving(settings, async (url) => {
      const host = 'acme.localhost:3000';
      for (const [path, { text }] of [
        ['/notes/api/export', exported],
        ['/blog/api/comments', waiting],
        ['/blog/api/posts/old-post', post],
      ] as const)
        assert.equal((await send(url, { host, path, user })).text, text);
    });
  });
});

test('settings that are missing are all named', () => {
  assert.throws(
    () => readSettings({ ...ENVIRONMENT, ADMIN_TOKEN: 'short', ACME_USERS: '', PORT: 'x' }),
    /PORT.*\nACME_USERS.*\nADMIN_TOKEN/,
  );
});

test('values of .env.example are refused where others reach the service', () => {
  const example = parseEnv(readFileSync('.env.example', 'utf8'));
  assert.equal(readSettings(example).tenants.size, 3);
  for (const name of ['SECRET', 'ADMIN_TOKEN', 'METRICS_TOKEN', 'ACME_USERS', 'INITECH_USERS'])
    assert.throws(
      () => readSettings({ ...example, HOST: '0.0.0.0' }),
      new RegExp(`${name} is that of .env.example`),
    );
});
