/** `plinth bundle`: from sources to a package. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createKernel } from '@plinth/host-node';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readArchive } from '../../cli/dist/index.js';
import { filesOf, folderOf, GREETER, json, plinth, readJson, start, write } from './plinth.ts';

const ARCHIVE = 'dist/com.example.greeter-1.2.0.plinth';

describe('a bundle', () => {
  it('is a package that runs, with a manifest from the code', async () => {
    const folder = await folderOf(GREETER);
    const { code, out, err } = await plinth(folder, ['bundle']);
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('bundled com.example.greeter 1.2.0');
    expect(await filesOf(join(folder, 'dist'))).toEqual([
      'com.example.greeter-1.2.0.plinth',
      'plugin/contract.d.ts',
      'plugin/contract.js',
      'plugin/plugin.js',
      'plugin/plugin.js.map',
      'plugin/plugin.json',
    ]);
    const manifest = await readJson(folder, 'dist/plugin/plugin.json');
    const bundle = await readFile(join(folder, 'dist/plugin/plugin.js'));
    expect(manifest).toMatchObject({
      main: 'plugin.js',
      engines: { plinth: '^1.0.0' },
      provides: ['com.example.greeter@1'],
      contributes: {
        commands: [
          {
            id: 'greet',
            title: 'Greet',
            input: { properties: { name: { type: 'string' } }, required: ['name'] },
            output: { properties: { text: { type: 'string' } } },
          },
        ],
        events: [{ id: 'greeted' }],
      },
      config: { properties: { word: { type: 'string', default: 'Hello' } } },
      files: { 'plugin.js': createHash('sha256').update(bundle).digest('hex') },
    });
    expect(bundle.toString()).toMatch(/\n\/\/# sourceMappingURL=plugin\.js\.map\n$/);

    const kernel = await createKernel({ plugins: join(folder, 'dist') });
    onTestFinished(() => kernel.stop());
    await kernel.start();
    expect(await kernel.commands.execute('com.example.greeter:greet', { name: 'Ada' })).toEqual({
      text: 'Hello, Ada!',
    });
  });

  it('has the migrations that the manifest names, with their digests', async () => {
    const sql = 'create table greetings (name text);\r\n';
    const migrations = ['migrations/0001_greetings.sql'];
    const files = {
      ...GREETER,
      'plugin.json': {
        ...GREETER['plugin.json'],
        contributes: { ...GREETER['plugin.json'].contributes, sql: { migrations } },
      },
    };
    const folder = await folderOf({ ...files, 'migrations/0001_greetings.sql': sql });
    expect((await plinth(folder, ['bundle'])).code).toBe(0);
    const out = 'dist/plugin/migrations/0001_greetings.sql';
    expect(await readFile(join(folder, out), 'utf8')).toBe(sql);
    const { files: digests } = (await readJson(folder, 'dist/plugin/plugin.json')) as {
      files: Record<string, string>;
    };
    expect(digests['migrations/0001_greetings.sql']).toBe(
      createHash('sha256').update(sql).digest('hex'),
    );
    const without = await plinth(await folderOf(files), ['bundle', '--json']);
    expect(without.code).toBe(1);
    expect(without.out + without.err).toContain('bundle/bad-migration');
  });

  it('has types of its contract with which callers compile, and wrong calls do not', async () => {
    const folder = await folderOf(GREETER);
    await plinth(folder, ['bundle']);
    await write(folder, {
      'user.ts': `import { createKernel } from '@plinth/host-node';
import { Greeter } from './dist/plugin/contract.js';

const kernel = await createKernel();
const { text } = await kernel.client(Greeter).greet({ name: 'Ada' });
text.trim();
// @ts-expect-error: a name is a text.
await kernel.client(Greeter).greet({ name: 1 });
// @ts-expect-error: there is no such command.
await kernel.client(Greeter).meet({ name: 'Ada' });
`,
      'tsconfig.json': {
        compilerOptions: {
          module: 'nodenext',
          target: 'es2023',
          lib: ['es2023', 'esnext.disposable'],
          types: ['node'],
          strict: true,
          noEmit: true,
        },
        files: ['user.ts'],
      },
    });
    const tsc = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url));
    const { stdout, status } = spawnSync(process.execPath, [tsc, '-p', folder], {
      encoding: 'utf8',
    });
    expect([status, stdout]).toEqual([0, '']);
  });

  it('says of each value what its schema takes and gives: nothing, defaults, changes, streams', async () => {
    const folder = await folderOf({
      'plugin.json': { id: 'com.example.kinds', version: '1.0.0' },
      'src/contract.ts': `import { bytes, command, contract, event, stream } from '@plinth/sdk';
import * as v from 'valibot';
import * as z from 'zod';

const text = v.string();
export const Kinds = contract('com.example.kinds@1', {
  maybe: command({ input: v.optional(text), output: v.nullish(text) }),
  filled: command({ input: v.optional(v.object({ a: v.optional(v.number(), 1) }), {}), output: v.void() }),
  nested: command({ input: v.array(v.optional(text)), output: v.object({ a: v.undefinedable(text), b: v.optional(text) }) }),
  made: command({ input: v.pipe(text, v.transform(Number), v.number()), output: v.pipe(text, v.transform((one) => ({ one }))) }),
  zod: command({ input: z.string().optional(), output: z.object({ a: z.number().default(1) }) }),
  read: command({ input: stream(v.pipe(text, v.transform(Number), v.number())), output: bytes() }),
  wrong: command({ input: v.string(), errors: { code: v.optional(v.number(), 1) } }),
  told: event(v.optional(v.number())),
});
`,
      'src/index.ts': `import { definePlugin } from '@plinth/sdk';
import { Kinds } from './contract.ts';

export default definePlugin({
  provides: [Kinds],
  activate(ctx) {
    ctx.provide(Kinds, {
      maybe: (text) => text,
      filled: () => undefined,
      nested: (list) => ({ a: list[0], b: undefined }),
      made: (value) => String(value),
      zod: () => ({}),
      read: () => new ReadableStream(),
      wrong: () => undefined,
    });
  },
});
`,
    });
    expect(await plinth(folder, ['bundle'])).toMatchObject({ code: 0, err: '' });
    const types = await readFile(join(folder, 'dist/plugin/contract.d.ts'), 'utf8');
    expect(types.split('\n').map((line) => line.trim())).toEqual(
      expect.arrayContaining([
        'readonly maybe: Command<Schema<(string | undefined)>, Schema<(string | null | undefined)>, Record<never, Schema>>;',
        'readonly filled: Command<Schema<({ a?: number } | undefined), { a: number }>, Schema<undefined>, Record<never, Schema>>;',
        'readonly nested: Command<Schema<Array<(string | undefined)>>, Schema<{ a?: string; b?: string }>, Record<never, Schema>>;',
        'readonly made: Command<Schema<string, number>, Schema<string, unknown>, Record<never, Schema>>;',
        'readonly zod: Command<Schema<(string | undefined)>, Schema<{ a?: number }, { a: number }>, Record<never, Schema>>;',
        'readonly read: Command<Schema<StreamInput<string>, Stream<number>>, Schema<StreamInput<Uint8Array>, ReadableStream<Uint8Array>>, Record<never, Schema>>;',
        'readonly wrong: Command<Schema<string>, Schema<unknown>, { readonly code: Schema<(number | undefined), number> }>;',
        'readonly told: Event<Schema<(number | undefined)>>;',
      ]),
    );
    const kernel = await createKernel({ plugins: join(folder, 'dist') });
    onTestFinished(() => kernel.stop());
    await kernel.start();
    const ask = (name: string, input?: unknown) =>
      kernel.commands.execute(`com.example.kinds:${name}`, input);
    expect(await ask('maybe')).toBe(undefined);
    expect(await ask('maybe', 'a')).toBe('a');
    expect(await ask('filled')).toBe(undefined);
    expect(await ask('nested', [undefined, 'b'])).toEqual({ a: undefined, b: undefined });
    expect(await ask('made', '4')).toBe('4');
    expect(await ask('zod')).toEqual({});
    for (const [name, input] of [
      ['maybe', 1],
      ['filled', { a: 'b' }],
      ['nested', [1]],
      ['zod', 1],
    ] as const)
      await expect(ask(name, input)).rejects.toMatchObject({ code: 'call/invalid-input' });
  });

  it('has the same bytes for the same input, wherever it lies and is written', async () => {
    const [one, other] = [await folderOf(GREETER), await folderOf(GREETER)];
    await plinth(one, ['bundle'], { env: { TZ: 'Asia/Tokyo' } });
    await plinth(other, ['bundle', '--out', 'elsewhere/p'], { env: { TZ: 'America/Lima' } });
    const bytes = await readFile(join(one, ARCHIVE));
    expect(bytes).toEqual(
      await readFile(join(other, 'elsewhere/com.example.greeter-1.2.0.plinth')),
    );
    const files = await readArchive(bytes);
    expect([...files.keys()]).toContain('plugin.json');
    expect(Buffer.from(files.get('plugin.js') as Uint8Array)).toEqual(
      await readFile(join(one, 'dist/plugin/plugin.js')),
    );
  });

  it('takes version and license from package.json, and replaces what it wrote before', async () => {
    const folder = await folderOf({
      ...GREETER,
      'plugin.json': { id: 'com.example.greeter' },
      'package.json': { version: '3.1.0', license: 'MIT', type: 'module' },
    });
    expect(await json(folder, ['bundle'])).toMatchObject({ ok: true, version: '3.1.0' });
    expect(await json(folder, ['bundle', '--no-minify'])).toMatchObject({ ok: true });
    expect(await readJson(folder, 'dist/plugin/plugin.json')).toMatchObject({ license: 'MIT' });
  });
});

describe('refused with the place and the cure', () => {
  const fails = async (files: Record<string, string | object>, args: string[] = []) => {
    const folder = await folderOf({ ...GREETER, ...files });
    const before = await filesOf(folder);
    const { code, out, err } = await plinth(folder, ['bundle', ...args]);
    expect([code, out]).toEqual([1, '']);
    expect(await filesOf(folder)).toEqual(before);
    return err;
  };

  it('a syntax error, with a frame', async () => {
    const err = await fails({ 'src/index.ts': 'export default {\n  activate(ctx {},\n};\n' });
    expect(err).toContain('bundle/syntax src/index.ts:2:16');
    expect(err).toContain('> 2 |   activate(ctx {},\n    |                ^');
  });

  it('a module of Node, with the chain of imports', async () => {
    const err = await fails({
      'src/contract.ts': `import './deep.ts';\n${GREETER['src/contract.ts']}`,
      'src/deep.ts': "\nimport { readFileSync } from 'node:fs';\nconsole.log(readFileSync);\n",
    });
    expect(err).toContain("bundle/runtime-import src/deep.ts:2:30 imports 'node:fs'");
    expect(err).toContain('claims to run in browsers');
    expect(err).toContain('src/index.ts → src/contract.ts → src/deep.ts → node:fs');
    expect(err).toContain('ctx.fs');
  });

  it('a package that is not there', async () => {
    const err = await fails({
      'src/index.ts': `import x from 'not-there-at-all';\nconsole.log(x);\n${GREETER['src/index.ts']}`,
    });
    expect(err).toMatch(/bundle\/(unresolved-import|failed) src\/index\.ts:1:\d+/);
    expect(err).toContain('not-there-at-all');
  });

  it('a file that is not there, and an export that is not', async () => {
    const err = await fails({
      'src/index.ts': `import x from './not-there.ts';\nconsole.log(x);\n${GREETER['src/index.ts']}`,
    });
    expect(err).toContain(
      "bundle/unresolved-import src/index.ts:1:15 cannot find './not-there.ts'",
    );
    expect(err).toContain('correct the path');
    const none = await fails({
      'src/index.ts': `import { nothing } from './contract.ts';\nconsole.log(nothing);\n${GREETER['src/index.ts']}`,
    });
    expect(none).toMatch(/bundle\/failed src\/index\.ts:1:10 .*nothing/);
    expect(none).toContain('export it from that module');
  });

  it('an import whose module is known only at run time, also in a file that is imported', async () => {
    const load = "export const load = (name) =>\n  import('./parts/' + name);\n";
    for (const file of ['src/index.ts', 'src/deep.ts']) {
      const err = await fails({
        'src/deep.ts': 'export const load = () => undefined;\n',
        [file]: load + (file === 'src/index.ts' ? GREETER[file] : ''),
        ...(file === 'src/deep.ts' && {
          'src/index.ts': `export { load } from './deep.ts';\n${GREETER['src/index.ts']}`,
        }),
      });
      expect(err).toContain(`bundle/dynamic-import ${file}:2:3 imports a module whose name`);
      expect(err).toContain('by its literal path');
    }
  });

  it('a manifest that disagrees with the code, and all of it', async () => {
    const err = await fails({
      'plugin.json': {
        id: 'com.example.greeter',
        version: '1.0.0',
        provides: ['com.example.greeter@2'],
        needs: ['com.example.search@^1'],
        contributes: {
          commands: [
            { id: 'greet', input: { type: 'object', properties: { who: { type: 'string' } } } },
          ],
        },
        config: { type: 'object', properties: { word: { type: 'number' } } },
      },
    });
    expect(err).toContain('manifest/disagrees');
    expect(err).toContain("'com.example.greeter@2' is not in 'provides' of the code");
    expect(err).toContain("'com.example.search@^1' is not in 'needs' of the code");
    expect(err).toContain("input 'who' of 'greet' is not in the code");
    expect(err).toContain('config.word: is "number" here, and "string" in the code');
    expect(err).toMatch(/plugin\.json:5:5 /);
  });

  it('a manifest with an unknown key, an illegal id, or that is no JSON', async () => {
    expect(
      await fails({
        'plugin.json': { id: 'com.example.greeter', version: '1.0.0', permisions: {} },
      }),
    ).toMatch(/plugin\.json:4:3 permisions: unknown key \(did you mean 'permissions'\?\)/);
    expect(await fails({ 'plugin.json': { id: 'Greeter', version: '1.0.0' } })).toContain(
      'an id is made of lower-case words',
    );
    expect(await fails({ 'plugin.json': '{ "id": nope }' })).toContain('manifest/not-json');
  });

  it('a module that is no plugin, throws, ends or never loads', async () => {
    const of = (code: string) => fails({ 'src/index.ts': code });
    expect(await of('export default 3;')).toContain('has no default export of a plugin');
    const effects = "console.log('loaded'); setInterval(() => {}, 1); export const activate = 1;";
    expect(await of(effects)).toMatch(/bundle\/not-a-plugin .* has no default export of a plugin/);
    expect(await of("throw new Error('at the top');")).toContain('at the top');
    expect(await of("export default await import('data:text/javascript,1');")).toContain('imports');
    expect(await of('console.log(process.env.HOME);')).toContain('process is not defined');
    const hoard = 'const all = []; for (;;) all.push(new Array(1e6).fill(1));';
    expect(await of(hoard)).toContain('needs more than 256 MB while it is loaded');
  });

  it('a bundle over the limit', async () => {
    expect(await fails({}, ['--max-size', '2KB'])).toContain('more than the limit of 2000');
  });

  it('an output folder with files of others, or the sources', async () => {
    const folder = await folderOf({ ...GREETER, 'keep/mine.txt': 'mine' });
    for (const out of ['keep', '.', '..', 'src']) {
      const { code, err } = await plinth(folder, ['bundle', '--out', out]);
      expect([out, code]).toEqual([out, 2]);
      expect(err).toContain('bundle/bad-out');
    }
    expect(await filesOf(folder)).toEqual(
      expect.arrayContaining(['keep/mine.txt', 'src/index.ts']),
    );
  });
});

// Linux says which processes a process has started.
it.skipIf(process.platform !== 'linux').each([
  ['waits', 'await new Promise(() => setInterval(() => {}, 1e6));'],
  ['loops', 'for (;;);'],
])('leaves nothing behind when it is interrupted while a module %s', async (_, statement) => {
  const folder = await folderOf({
    ...GREETER,
    'src/index.ts': `${GREETER['src/index.ts']}\n${statement}\n`,
  });
  const before = await filesOf(folder);
  const child = start(folder, ['bundle']);
  // The bundle is being evaluated once the process that does it is there.
  let evaluating: string | undefined;
  await expect
    .poll(async () => {
      [evaluating] = await childrenOf(child.pid as number);
      return evaluating;
    })
    .toMatch(/^\d+$/);
  const ended = new Promise((resolve) => child.on('exit', (__, signal) => resolve(signal)));
  child.kill('SIGINT');
  expect(await ended).toBe('SIGINT');
  await expect.poll(() => existsSync(`/proc/${evaluating}`)).toBe(false);
  expect(await filesOf(folder)).toEqual(before);
  await expect(stat(join(folder, 'dist'))).rejects.toThrow('ENOENT');
});

async function childrenOf(pid: number): Promise<readonly string[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return text.trim().split(' ').filter(Boolean);
}
