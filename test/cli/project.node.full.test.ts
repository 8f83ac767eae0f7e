/** Commands over a project: each is a process of its own, over the same storage. */
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { writeArchive } from '../../cli/dist/index.js';
import { filesOf, folderOf, GREETER, json, plinth, readJson, start, write } from './plinth.ts';

/** A plugin that counts, as a package. */
const counter = (
  version: string,
  permissions: object = { storage: { read: true, write: true } },
) => ({
  'plugin.json': {
    id: 'com.example.counter',
    version,
    main: 'plugin.js',
    engines: { plinth: '^1.0.0' },
    permissions,
    config: { type: 'object', properties: { step: { type: 'integer', default: 1 } } },
    contributes: { commands: [{ id: 'next' }, { id: 'secret' }] },
  },
  'plugin.js': `export default {
  activate(ctx) {
    ctx.logger.info('counting');
    ctx.commands.handle('next', () => ctx.storage.update('count', (n = 0) => n + ctx.config.step));
    ctx.commands.handle('version', () => '${version}');
    ctx.commands.handle('secret', async () => (await ctx.secrets.get('token')).length);
    ctx.commands.handle('wait', () => new Promise(() => {}));
    ctx.commands.handle('values', () => ({ big: 1n, map: new Map([['a', new Set([1])]]), at: new Date(0) }));
  },
};
`,
});

const at = (folder: string, files: Record<string, string | object>) =>
  Object.fromEntries(
    Object.entries(files).map(([name, content]) => [`${folder}/${name}`, content]),
  );

const next = async (folder: string) =>
  (await json(folder, ['exec', 'com.example.counter:next'])).output;

describe('a plugin in ./plugins', () => {
  it('is listed, described and called, and keeps its data from one process to the next', async () => {
    const folder = await folderOf(at('plugins/counter', counter('1.0.0')));
    const { plugins } = await json(folder, ['list']);
    expect(plugins).toEqual([
      {
        id: 'com.example.counter',
        version: '1.0.0',
        state: 'active',
        enabled: true,
        origin: join(folder, 'plugins/counter'),
      },
    ]);
    expect((await plinth(folder, ['info', 'com.example.counter'])).out).toMatch(
      /commands +com\.example\.counter:next/,
    );
    expect([await next(folder), await next(folder)]).toEqual([1, 2]);
    const { out } = await plinth(folder, ['exec', 'com.example.counter:values']);
    expect(JSON.parse(out)).toEqual({
      big: '1',
      map: [['a', [1]]],
      at: '1970-01-01T00:00:00.000Z',
    });
    expect((await json(folder, ['data', 'list', 'com.example.counter'])).keys).toEqual(['count']);
    expect(await plinth(folder, ['data', 'purge', 'com.example.counter'])).toMatchObject({
      code: 2,
    });
    await plinth(folder, ['data', 'purge', 'com.example.counter', '--yes']);
    expect(await next(folder)).toBe(1);
  });

  it('is called without its input, and the cure is a line with one', async () => {
    const folder = await folderOf(GREETER);
    const { error } = await json(folder, ['exec', 'com.example.greeter:greet']);
    const cure = `Give the input as JSON: plinth exec com.example.greeter:greet '{"name":"text"}'`;
    expect(error).toMatchObject({ code: 'call/invalid-input', cure });
    const wrong = await json(folder, ['exec', 'com.example.greeter:greet', '{"name":1}']);
    expect(wrong.error).not.toHaveProperty('cure');
  });

  it('in a folder that is not there is told, and dev has nothing to watch', async () => {
    const folder = await folderOf({ 'plinth.config.json': { plugins: './plugin' } });
    const listed = await plinth(folder, ['list']);
    expect([listed.code, listed.err]).toEqual([0, expect.stringContaining('plugin is no folder')]);
    expect(await json(folder, ['dev'])).toMatchObject({
      error: { code: 'project/empty', cure: expect.stringContaining("Correct 'plugins'") },
    });
  });

  it('has settings that last, and wrong ones are refused', async () => {
    const folder = await folderOf(at('plugins/counter', counter('1.0.0')));
    const config = (...args: string[]) => plinth(folder, ['config', ...args]);
    expect((await config('set', 'com.example.counter', 'step', '5')).code).toBe(0);
    expect((await config('get', 'com.example.counter', 'step')).out).toBe('5\n');
    expect((await config('get', 'com.example.counter')).out).toBe('step  5  user\n');
    const other = await config('set', 'com.example.counter', 'stp', '1');
    expect([other.code, other.err]).toEqual([0, expect.stringContaining("did you mean 'step'?")]);
    expect((await config('set', 'com.example.counter', 'step', '5')).err).not.toContain('warning');
    expect(await next(folder)).toBe(5);
    const wrong = await config('set', 'com.example.counter', 'step', '"much"');
    expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining('config/invalid')]);
    expect(await config('set', 'com.example.counter', 'step', 'much')).toMatchObject({ code: 2 });
  });

  it('is disabled and enabled for good', async () => {
    const folder = await folderOf(at('plugins/counter', counter('1.0.0')));
    await plinth(folder, ['disable', 'com.example.counter']);
    const { code, err } = await plinth(folder, ['exec', 'com.example.counter:next']);
    expect([code, err]).toEqual([1, expect.stringContaining('disabled')]);
    expect((await plinth(folder, ['explain', 'com.example.counter'])).out).toContain('is disabled');
    await plinth(folder, ['enable', 'com.example.counter']);
    expect(await next(folder)).toBe(1);
  });

  it('gets secrets from stdin, which are kept encrypted and stand in no file as they are', async () => {
    const folder = await folderOf(
      at('plugins/counter', counter('1.0.0', { secrets: { read: ['token'] } })),
    );
    const { code, out } = await plinth(folder, ['secrets', 'set', 'com.example.counter', 'token'], {
      input: 'correct-horse\n',
    });
    expect([code, out]).toEqual([0, 'kept the secret token of com.example.counter\n']);
    expect((await json(folder, ['exec', 'com.example.counter:secret'])).output).toBe(13);
    expect((await stat(join(folder, '.plinth/secrets.key'))).mode & 0o777).toBe(0o600);
    for (const file of await filesOf(join(folder, '.plinth')))
      expect(await readFile(join(folder, '.plinth', file), 'latin1')).not.toContain(
        'correct-horse',
      );
    const none = await plinth(folder, ['secrets', 'set', 'com.example.counter', 'token']);
    expect(none.code).toBe(2);
  });
});

describe('a plugin that is installed', () => {
  it('stays, is updated with consent, rolled back, and removed with everything', async () => {
    const folder = await folderOf({
      ...at('one', counter('1.0.0')),
      ...at(
        'two',
        counter('1.1.0', { storage: { read: true, write: true }, env: { read: ['HOME'] } }),
      ),
    });
    expect((await plinth(folder, ['install', 'one'])).out).toBe(
      'installed com.example.counter 1.0.0\n',
    );
    expect(await next(folder)).toBe(1);
    const unasked = await plinth(folder, ['update', 'two']);
    expect([unasked.code, unasked.err]).toEqual([1, expect.stringContaining('--consent')]);
    expect(
      (await plinth(folder, ['update', 'two', '--consent', '--owner', join(folder, 'two')])).code,
    ).toBe(0);
    const version = async () =>
      (await json(folder, ['exec', 'com.example.counter:version'])).output;
    expect([await version(), await next(folder)]).toEqual(['1.1.0', 2]);
    await plinth(folder, ['rollback', 'com.example.counter']);
    expect(await version()).toBe('1.0.0');
    expect((await json(folder, ['audit', 'verify'])).ok).toBe(true);
    await plinth(folder, ['audit', 'export', '--out', 'audit.json']);
    const { entries } = (await readJson(folder, 'audit.json')) as { entries: { topic: string }[] };
    expect(entries.map(({ topic }) => topic)).toContain('plugin:installed');
    expect((await json(folder, ['audit', 'verify', '--since', 'audit.json'])).ok).toBe(true);
    await plinth(folder, ['uninstall', 'com.example.counter']);
    expect((await plinth(folder, ['data', 'list'])).out).toMatch(
      /com\.example\.counter +1 +uninstalled/,
    );
    await plinth(folder, ['data', 'purge', 'com.example.counter', '--yes']);
    expect((await plinth(folder, ['data', 'list'])).out).toBe('no data\n');
    expect((await plinth(folder, ['list'])).out).toContain('no plugins');
    // It starts some twenty processes.
  }, 180_000);

  it('is refused when its files are not those of the manifest, or it is no package', async () => {
    const files = counter('1.0.0');
    const folder = await folderOf({
      ...at('bad', {
        ...files,
        'plugin.json': { ...files['plugin.json'], files: { 'plugin.js': 'a'.repeat(64) } },
      }),
      'junk.plinth': 'junk',
    });
    for (const [path, code] of [
      ['bad', 'package/changed'],
      ['junk.plinth', 'archive/refused'],
      ['nowhere', 'package/missing'],
    ] as const)
      expect(await json(folder, ['install', path])).toMatchObject({ ok: false, error: { code } });
    expect(await filesOf(folder)).toEqual(['bad/plugin.js', 'bad/plugin.json', 'junk.plinth']);
  });
});

describe('a plugin at an address', () => {
  it('is installed from an archive and from a manifest, and refused where nothing answers', async () => {
    const folder = await folderOf({});
    const packed = Object.entries(counter('1.0.0')).map(
      ([name, file]) => [name, typeof file === 'string' ? file : JSON.stringify(file)] as const,
    );
    const archive = Buffer.from(writeArchive(new Map(packed)));
    const { 'plugin.js': code, 'plugin.json': manifest } = counter('1.1.0');
    const answers = new Map<string, string | Buffer>([
      ['/counter.plinth', archive],
      ['/next/plugin.json', JSON.stringify(manifest)],
      ['/next/plugin.js', code as string],
    ]);
    const server = createServer(({ url = '' }, response) => {
      const answer = answers.get(url);
      response.writeHead(answer === undefined ? 404 : 200).end(answer);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      expect((await plinth(folder, ['install', `${address}/counter.plinth`])).out).toBe(
        'installed com.example.counter 1.0.0\n',
      );
      expect(await next(folder)).toBe(1);
      const update = ['update', `${address}/next/plugin.json`];
      const consent = ['--consent', '--owner', `${address}/next/plugin.json`];
      expect((await plinth(folder, [...update, ...consent])).err).toBe('');
      const { output } = await json(folder, ['exec', 'com.example.counter:version']);
      expect(output).toBe('1.1.0');
      for (const [path, code] of [
        ['absent.plinth', 'manifest/missing'],
        ['absent/plugin.json', 'manifest/missing'],
        ['notes', 'package/missing'],
      ] as const)
        expect(await json(folder, ['install', `${address}/${path}`])).toMatchObject({
          ok: false,
          error: { code },
        });
    } finally {
      server.closeAllConnections();
      server.close();
    }
    expect(await json(folder, ['install', `${address}/counter.plinth`])).toMatchObject({
      ok: false,
      error: { code: 'package/missing', message: expect.stringContaining('ECONNREFUSED') },
    });
  });
});

describe('a project that runs', () => {
  it('owns its storage, logs to a file that others read, and stops in order', async () => {
    const folder = await folderOf(at('plugins/counter', counter('1.0.0')));
    const running = start(folder, ['run', '--json']);
    const lines = createInterface({ input: running.stdout as NodeJS.ReadableStream });
    const { value } = await lines[Symbol.asyncIterator]().next();
    expect(JSON.parse(value as string)).toEqual({ ok: true, started: 1, active: 1, failed: 0 });
    const other = await plinth(folder, ['list']);
    expect(other.code).toBe(1);
    expect(other.err).toContain('storage/locked');
    expect(other.err).toContain('Stop the other process');
    expect(other.err).toContain('--url');
    await expect
      .poll(async () => (await plinth(folder, ['logs', 'com.example.counter'])).out)
      .toContain('[com.example.counter] counting');
    const ended = new Promise((resolve) => running.on('exit', (code) => resolve(code)));
    running.kill('SIGINT');
    expect(await ended).toBe(0);
    expect((await plinth(folder, ['list'])).code).toBe(0);
  });

  it('takes its options from plinth.config, in TypeScript, JavaScript or JSON', async () => {
    const plugin = at('modules/counter', counter('1.0.0'));
    const configs = {
      'plinth.config.ts': `import { defineConfig } from '@plinth/cli';
export default defineConfig({ plugins: './modules', data: './kept', config: { user: { 'com.example.counter': { step: 3 } } } });
`,
      'plinth.config.js':
        "export default { plugins: ['./modules'], data: './kept', config: { user: { 'com.example.counter': { step: 3 } } } };\n",
      'plinth.config.json': {
        plugins: 'modules',
        data: 'kept',
        config: { user: { 'com.example.counter': { step: 3 } } },
      },
    };
    for (const [name, content] of Object.entries(configs)) {
      const folder = await folderOf({ ...plugin, [name]: content });
      expect([name, await next(folder)]).toEqual([name, 3]);
      expect(await filesOf(folder)).toEqual(
        expect.arrayContaining([expect.stringMatching(/^kept\//)]),
      );
    }
  });

  it('is not started with a configuration that is wrong', async () => {
    for (const [content, code] of [
      ['export default 3;\n', 'project/invalid'],
      ['export default { plugins: [1] };\n', 'project/invalid'],
      ['throw new Error("no");\n', 'project/invalid'],
      ['export default { pluginz: [] };\n', 'kernel/invalid-option'],
    ] as const) {
      const folder = await folderOf({ 'plinth.config.js': content });
      expect(await json(folder, ['list'])).toMatchObject({ ok: false, error: { code } });
    }
    expect(await plinth(await folderOf({}), ['list', '--project', 'nowhere'])).toMatchObject({
      code: 2,
    });
  });
});

it('explain and doctor say what is wrong with a plugin', async () => {
  const folder = await folderOf({
    ...at('plugins/counter', counter('1.0.0')),
    'plugins/bad/plugin.json': { id: 'com.example.bad', version: '1.0.0' },
    'plugins/bad/src/index.ts': 'export default {\n',
  });
  const { code, out } = await plinth(folder, ['doctor']);
  expect(code).toBe(1);
  expect(out).toContain('ok   com.example.counter: active');
  expect(out).toMatch(/bad {2}.*bad: .*src\/index\.ts:\d+:\d+/);
  expect(await plinth(folder, ['explain', 'com.example.absent'])).toMatchObject({
    code: 1,
    out: expect.stringMatching(/^no plugin 'com\.example\.absent' is installed\n {2}next: /),
  });
  expect(await json(folder, ['explain', 'com.example.absent'])).toMatchObject({
    ok: false,
    error: { code: 'plugin/not-found', cure: expect.stringContaining('install') },
  });
  await mkdir(join(folder, 'file'));
  await writeFile(join(folder, 'file/plinth.config.json'), '{');
  expect((await json(folder, ['doctor', '--project', 'file'])).ok).toBe(false);
});

it('exec shows what a plugin threw, with its place in the sources', async () => {
  const folder = await folderOf({
    'plugin.json': { id: 'com.example.bad', version: '1.0.0' },
    'src/index.ts': `interface Word {
  readonly word: string;
}

export default {
  activate(ctx: { commands: { handle(id: string, handler: (input: Word) => unknown): void } }) {
    ctx.commands.handle('fail', ({ word }: Word) => {
      throw new TypeError(\`deliberate \${word}\`);
    });
  },
};
`,
  });
  const { code, err } = await plinth(folder, ['exec', 'com.example.bad:fail', '{"word":"x"}']);
  expect(code).toBe(1);
  expect(err).toContain('error plugin/threw com.example.bad:fail failed: TypeError: deliberate x');
  expect(err).toMatch(/ {4}at .*src\/index\.ts:8:\d+/);
  expect(err).not.toContain('plugin-worker');
});

it('report has the calls of processes that have ended', async () => {
  const folder = await folderOf(at('plugins/counter', counter('1.0.0')));
  await next(folder);
  await next(folder);
  const { report } = (await json(folder, ['report', 'com.example.counter'])) as {
    report: { plugins: { plugin: string; calls: number }[] };
  };
  expect(report.plugins).toMatchObject([{ plugin: 'com.example.counter', calls: 2, failures: 0 }]);
  expect((await plinth(folder, ['report'])).out).toContain('com.example.counter');
  expect((await plinth(folder, ['report', '--format', 'csv'])).out).toMatch(/^[a-z]+,/m);
  expect((await plinth(folder, ['report', '--hours', 'few'])).code).toBe(2);
});

it('exec ends with the error of the plugin, and never waits longer than it was told', async () => {
  const folder = await folderOf(at('plugins/counter', counter('1.0.0')));
  expect(
    await json(folder, ['exec', 'com.example.counter:wait', '--timeout', '100']),
  ).toMatchObject({ ok: false, error: { code: 'call/timeout' } });
  expect(await json(folder, ['exec', 'com.example.counter:none'])).toMatchObject({ ok: false });
  expect((await plinth(folder, ['exec', 'com.example.counter:next', '{'])).code).toBe(2);
});

it('logs --follow shows entries that come', async () => {
  const folder = await folderOf(at('plugins/counter', counter('1.0.0')));
  await plinth(folder, ['list']);
  const following = start(folder, ['logs', '--follow', '--json']);
  const lines = createInterface({ input: following.stdout as NodeJS.ReadableStream })[
    Symbol.asyncIterator
  ]();
  expect(JSON.parse((await lines.next()).value as string).message).toBe('counting');
  await write(folder, {});
  const more = lines.next();
  await plinth(folder, ['list']);
  expect(JSON.parse((await more).value as string)).toMatchObject({
    source: 'com.example.counter',
    message: 'counting',
  });
});
