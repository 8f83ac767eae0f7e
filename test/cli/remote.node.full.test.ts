/** `plinth … --url`: every verb of an operator against a kernel that runs and answers HTTP on loopback. */

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { packageOf } from '@plinth/kernel';
import { describe, expect, it, onTestFinished } from 'vitest';
import { pluginOf } from '../support/plugins.ts';
import { folderOf, plinth, readJson, write } from './plinth.ts';
import { ID, serve, tokenOf } from './remote.ts';

const MORE = 'test.more';

/** Sources of another plugin, and its archive. */
async function made(version = '1.0.0', manifest: object = {}) {
  const folder = await folderOf({
    'plugin.json': { id: MORE, version, ...manifest },
    'src/index.js': 'export default { activate() {} };\n',
  });
  const bundled = await plinth(folder, ['bundle', '--json']);
  expect(bundled.code, bundled.err).toBe(0);
  return { folder, archive: join(folder, 'dist', `${MORE}-${version}.plinth`) };
}

/** Serves the bytes of a file at an address. */
async function hosted(file: string): Promise<string> {
  const bytes = await readFile(file);
  const server = createServer((_, response) => response.end(bytes));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => new Promise((resolve) => server.close(() => resolve())));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/more.plinth`;
}

describe('a kernel that runs', () => {
  it('is listed, described, explained and measured as a project is', async () => {
    const { as, run, read } = await serve();
    const { plugins } = await read('list');
    expect(plugins).toMatchObject([{ id: ID, state: 'active', enabled: true }]);
    expect((await as('viewer', ['list'])).out).toContain(`${ID}  1.0.0    active`);
    expect((await run('info', ID)).out).toMatch(/commands +test\.notes:add/);
    expect(await read('info', ID)).toMatchObject({
      plugin: { id: ID, manifest: { id: ID } },
      capabilities: { commands: expect.arrayContaining([expect.anything()]) },
    });
    expect((await run('explain', ID)).out).toContain(`${ID} is active`);
    expect((await run('usage')).out).toContain(ID);
    expect((await run('usage', ID)).out).toMatch(/calls +answered/);
    expect((await read('report')).report).toMatchObject({ plugins: [{ plugin: ID }] });
    expect((await run('report', ID, '--hours', '2', '--format', 'csv')).out).toContain(',');
  });

  it('runs commands with their input, and says why one fails', async () => {
    const { run, read } = await serve();
    expect(await read('exec', `${ID}:add`, '{"text":"milk"}')).toEqual({
      ok: true,
      output: { got: { text: 'milk' } },
    });
    expect((await read('exec', `${ID}:add`)).output).toEqual({ got: 'nothing' });
    expect((await run('exec', `${ID}:keep`, '"milk"')).out).toBe('done\n');
    expect(await run('exec', `${ID}:fail`)).toMatchObject({ code: 1 });
    for (const [args, code] of [
      [[`${ID}:none`], 'call/unknown-command'],
      [['none'], 'call/unknown-command'],
      [['..'], 'call/unknown-command'],
      [[`${ID}:sleep`, '--timeout', '100'], 'call/timeout'],
      [[`${ID}:sleep`, '--timeout', '9999999'], 'http/query'],
    ] as const)
      expect([args, (await read('exec', ...args)).error?.code]).toEqual([args, code]);
  });

  it('shows the parts of a streamed answer as they come, and how it ended', async () => {
    const { kernel, run } = await serve();
    const streams = pluginOf(
      'test.streams',
      `ctx.commands.handle('parts', async function* () { yield 'a\\u001b[2J'; yield { n: 1 }; yield undefined; });
       ctx.commands.handle('fails', async function* () { yield 1; throw new Error('no table'); });
       ctx.commands.handle('odd', async function* () { yield 1n; });`,
    );
    await kernel.plugins.install(packageOf(streams));
    await kernel.plugins.activate('test.streams');
    expect(await run('exec', `${ID}:list`)).toMatchObject({ code: 0, out: '1\n2\n' });
    expect((await run('exec', 'test.streams:parts')).out).toBe(
      'a\\u001b[2J\n{\n  "n": 1\n}\nnull\n',
    );
    const failed = await run('exec', 'test.streams:fails');
    expect([failed.code, failed.out]).toEqual([1, '1\n']);
    expect(failed.err).toContain('call/failed');
    expect((await run('exec', 'test.streams:odd')).err).toContain('call/invalid-output');
  });

  it('takes steps and settings, in the name of the operator', async () => {
    const { kernel, read, run, as } = await serve();
    expect(await read('disable', ID)).toMatchObject({ id: ID, state: 'unloaded' });
    expect(kernel.plugins.get(ID)?.enabled).toBe(false);
    const enabled = await as('operator', ['enable', ID, '--json']);
    expect(JSON.parse(enabled.out)).toMatchObject({ id: ID, version: '1.0.0', state: 'active' });
    expect((await run('config', 'get', ID)).out).toBe('size  1  defaults\n');
    expect((await run('config', 'set', ID, 'size', '3')).out).toBe(`size of ${ID} is 3\n`);
    expect((await run('config', 'get', ID, 'size')).out).toBe('3\n');
    expect((await run('config', 'get', ID)).out).toBe('size  3  user\n');
    expect((await read('config', 'set', ID, 'size', '"large"')).error?.code).toBe('config/invalid');
    expect((await read('config', 'get', ID, 'none')).error?.code).toBe('config/unknown');
    expect((await read('rollback', ID)).error?.code).toBe('plugin/no-previous-version');
    const entries = await kernel.audit.entries({ topic: 'host:admin-done' });
    expect(new Set(entries.map(({ facts }) => facts.by))).toEqual(new Set(['ada', 'otto']));
  });

  it('keeps a secret that it never shows', async () => {
    const { kernel, as, url } = await serve();
    const kept = await as('admin', ['secrets', 'set', ID, 'key'], 'hunter2-hunter2\n');
    expect(kept).toMatchObject({ code: 0, out: `kept the secret key of ${ID}\n` });
    expect(await kernel.commands.execute(`${ID}:secret`)).toBe('hunter2-hunter2');
    const dots = await as('admin', ['secrets', 'set', ID, '..', '--json'], 'hunter2-hunter2');
    expect(JSON.parse(dots.out).error.code).toBe('secret/invalid');
    const audit = await as('admin', ['audit', 'export']);
    expect(audit.out).toContain('secrets.set');
    expect(audit.out + kept.err + JSON.stringify(kernel.logger.recent())).not.toMatch(
      /hunter2|token-of/,
    );
    expect(url).toContain('127.0.0.1');
  });

  it('is not reached by ids that lead elsewhere', async () => {
    const { kernel, read } = await serve();
    for (const id of ['..', '.', '../..', 'a/../../b', '%2e%2e', 'Test.Notes', 'é', ''])
      for (const args of [
        ['info', id],
        ['uninstall', id, '--purge'],
        ['data', 'purge', id, '--yes'],
        ['enable', id],
      ])
        if (id !== '')
          expect([args, (await read(...args)).error?.code]).toEqual([args, 'plugin/not-found']);
    expect(kernel.plugins.get(ID)?.state).toBe('active');
    expect(await kernel.audit.entries({ topic: 'host:admin-asked' })).toEqual([]);
  });

  it('leaves nothing in the folder where it was asked', async () => {
    const { cwd, run } = await serve();
    await run('list');
    const { out } = await plinth(cwd, ['data', 'list', '--json']);
    expect(JSON.parse(out)).toMatchObject({ ok: true, plugins: [] });
  });
});

describe('packages for a kernel that runs', () => {
  it('are installed from sources, from a file and from an address, and uninstalled', async () => {
    const { kernel, read, run } = await serve();
    const { folder, archive } = await made();
    for (const place of [folder, archive, await hosted(archive)]) {
      const installed = await read('install', place);
      expect(installed).toMatchObject({ ok: true, id: MORE, version: '1.0.0', state: 'active' });
      expect((await read('install', place)).error?.code).toBe('plugin/duplicate');
      expect((await run('uninstall', MORE)).out).toContain(`uninstalled ${MORE}`);
      expect(kernel.plugins.get(MORE)).toBeUndefined();
    }
    expect((await read('uninstall', MORE)).error?.code).toBe('plugin/not-found');
  });

  it('are purged with what they keep, also once they are gone', async () => {
    const { kernel, read } = await serve();
    await kernel.commands.execute(`${ID}:keep`, 'milk');
    expect(await read('data', 'list')).toMatchObject({
      plugins: [{ plugin: ID, keys: 1, installed: true }],
    });
    await read('uninstall', ID);
    expect(await read('data', 'list')).toMatchObject({
      plugins: [{ plugin: ID, keys: 1, installed: false }],
    });
    expect((await read('uninstall', ID, '--purge')).ok).toBe(true);
    expect(await kernel.plugins.leftovers()).toEqual([]);
    expect((await read('uninstall', ID, '--purge')).error?.code).toBe('plugin/not-found');
  });

  it('are updated with the consent of an admin to more rights, and taken back', async () => {
    const { kernel, read, run, as } = await serve();
    await run('install', (await made()).archive);
    const rights = { permissions: { events: { subscribe: [`${ID}:*`] } } };
    const { archive } = await made('1.1.0', rights);
    const refused = await read('update', archive);
    expect(refused.error).toMatchObject({
      code: 'permission/consent-required',
      message: expect.stringContaining('events.subscribe'),
      cure: expect.stringContaining('--consent'),
    });
    expect(kernel.plugins.get(MORE)?.version).toBe('1.0.0');
    const asOperator = await as('operator', ['update', archive, '--consent', '--json']);
    expect(JSON.parse(asOperator.out).error).toMatchObject({
      code: 'remote/forbidden',
      message: expect.stringContaining("the role 'admin'; yours is 'operator'"),
    });
    expect(await read('update', archive, '--consent')).toMatchObject({
      ok: true,
      from: '1.0.0',
      version: '1.1.0',
    });
    expect(kernel.permissions.check(MORE, 'events.subscribe', `${ID}:*`)).toBe(true);
    expect(await read('rollback', MORE)).toMatchObject({ version: '1.0.0', state: 'active' });
    expect((await read('update', (await made('0.9.0')).archive)).error?.code).toBe(
      'plugin/downgrade',
    );
  });

  it('of another owner are taken with consent by name', async () => {
    const { kernel, read } = await serve();
    const { manifest, code } = pluginOf(MORE, '', { version: '0.1.0' });
    await kernel.plugins.install({ ...packageOf({ manifest, code }), origin: 'elsewhere' });
    const { archive } = await made();
    expect((await read('update', archive)).error).toMatchObject({
      code: 'permission/consent-required',
      cure: expect.stringContaining('--owner'),
    });
    expect((await read('update', archive, '--owner', 'someone')).ok).toBe(false);
    expect(await read('update', archive, '--owner', 'upload:admin')).toMatchObject({ ok: true });
  });
});

describe('data and records of a kernel that runs', () => {
  it('are exported, purged and imported, while the plugin is stopped', async () => {
    const { kernel, read, run, cwd } = await serve();
    await kernel.commands.execute(`${ID}:keep`, 'milk');
    expect((await run('data', 'list', ID)).out).toBe('text\n');
    const file = join(cwd, 'notes.data');
    expect(await read('data', 'export', ID, file)).toMatchObject({ ok: true, keys: 1 });
    expect((await run('data', 'export', ID)).out).toBe(await readFile(file, 'utf8'));
    for (const args of [
      ['data', 'import', ID, file],
      ['data', 'purge', ID, '--yes'],
    ])
      expect((await read(...args)).error).toMatchObject({
        code: 'plugin/illegal-transition',
        cure: expect.stringContaining('plinth disable'),
      });
    await run('disable', ID);
    expect((await run('data', 'purge', ID, '--yes')).out).toBe(`deleted 1 keys of ${ID}\n`);
    expect(await kernel.storage.of(ID).list()).toEqual([]);
    await write(cwd, { 'cut.data': (await readFile(file, 'utf8')).slice(0, 60) });
    expect((await read('data', 'import', ID, join(cwd, 'cut.data'))).error?.code).toBe(
      'data/invalid',
    );
    expect((await run('data', 'import', ID, file)).out).toBe(`imported 1 keys of ${ID}\n`);
    expect(await kernel.storage.of(ID).read('text')).toBe('milk');
  });

  it('are verified and exported, with a head for the next time', async () => {
    const { run, read, cwd } = await serve();
    await run('disable', ID);
    const file = join(cwd, 'audit.json');
    expect((await read('audit', 'export', '--plugin', ID, '--out', file)).ok).toBe(true);
    const { entries, head } = (await readJson(file)) as {
      entries: { topic: string }[];
      head: object;
    };
    expect(entries.map(({ topic }) => topic)).toContain('host:admin-done');
    await run('enable', ID);
    expect(await read('audit', 'verify', '--since', file)).toMatchObject({
      ok: true,
      verdict: { ok: true, pin: 'held' },
    });
    await write(cwd, { 'other.json': { head: { ...head, hash: 'f'.repeat(64) } } });
    expect((await run('audit', 'verify', '--since', join(cwd, 'other.json'))).code).toBe(1);
  });
});

describe('tenants of a kernel that runs', () => {
  it('are operated by name, each by itself', async () => {
    const { kernel, read, cwd, url } = await serve();
    const acme = kernel.tenant('acme');
    await acme.start();
    await acme.plugins.install(packageOf(pluginOf(MORE, '')));
    expect((await read('list')).plugins).toMatchObject([{ id: ID }]);
    expect((await read('list', '--tenant', 'acme')).plugins).toMatchObject([{ id: MORE }]);
    expect(await read('disable', MORE, '--tenant', 'acme')).toMatchObject({ ok: true });
    expect(acme.plugins.get(MORE)?.enabled).toBe(false);
    expect((await read('disable', MORE)).error?.code).toBe('plugin/not-found');
    for (const name of ['none', '../x', '日本', '__proto__', 'a b'])
      expect((await read('list', '--tenant', name)).error).toMatchObject({
        code: 'http/tenant',
        cure: expect.stringContaining('--tenant'),
      });
    // Who there is is told to operators alone.
    const { out } = await plinth(cwd, ['list', '--tenant', 'none', '--json', '--url', url], {
      env: { PLINTH_TOKEN: `${tokenOf('admin')}x` },
    });
    expect(JSON.parse(out).error.code).toBe('remote/unauthenticated');
  });
});
