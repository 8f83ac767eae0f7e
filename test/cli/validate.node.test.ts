/** `plinth validate`: each rule finds its mistake, at its place, with its cure. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { folderOf, GREETER, json, PANEL, plinth, readJson, write } from './plinth.ts';

interface Found {
  readonly rule: string;
  readonly severity: string;
  readonly message: string;
  readonly file: string;
  readonly place: { readonly line: number; readonly column: number };
  readonly cure?: string;
}

async function findings(
  files: Record<string, string | object>,
  ...args: string[]
): Promise<readonly Found[]> {
  const folder = await folderOf({ ...GREETER, ...files });
  return (await json(folder, ['validate', ...args])).findings as Found[];
}

/** `rule file:line:column`. */
const places = (found: readonly Found[]) =>
  found.map(({ rule, file, place }) => `${rule} ${file}:${place.line}:${place.column}`);

const plugin = (body: string) => ({
  'src/index.ts': `import { definePlugin } from '@plinth/sdk';
import { Greeter } from './contract.ts';

export default definePlugin({
  provides: [Greeter],
  activate(ctx) {
${body}
  },
});
`,
});
const HANDLERS = '    ctx.provide(Greeter, { greet: ({ name }) => ({ text: name }) });';
const manifest = (more: object) => ({
  'plugin.json': { id: 'com.example.greeter', version: '1.2.0', ...more },
});

it('finds nothing in plugins that are right, in TypeScript and in JavaScript', async () => {
  const folder = fileURLToPath(new URL('../../demo-app/plugins/', import.meta.url));
  for (const name of ['notes', 'search', 'markdown', 'clock', 'todo', 'catalogue', 'poll'])
    expect(await json(join(folder, name), ['validate'])).toMatchObject({ ok: true, findings: [] });
});

it('takes a plugin that provides a contract of its application, which has asked for that', async () => {
  const folder = await folderOf(PANEL);
  expect(await json(folder, ['validate'])).toMatchObject({ ok: true, findings: [] });
  expect((await plinth(folder, ['bundle'])).code).toBe(0);
  for (const path of ['dist/plugin', 'dist/com.example.clock-1.0.0.plinth'])
    expect(await json(folder, ['validate', path])).toMatchObject({ ok: true, findings: [] });
  const { checks, ok } = await json(folder, ['test']);
  expect([ok, checks]).toEqual([true, expect.any(Array)]);
  await write(folder, { 'plugin.json': { ...PANEL['plugin.json'], permissions: {} } });
  expect(await json(folder, ['validate'])).toMatchObject({
    ok: false,
    findings: [
      {
        rule: 'manifest/invalid',
        message: expect.stringContaining('"contracts": { "provide": ["com.acme.panel"] }'),
      },
    ],
  });
});

it('says what to do where there is no plugin, and test does so, too', async () => {
  const folder = await folderOf({ 'sources/src/index.ts': 'export default { activate() {} };\n' });
  for (const command of ['validate', 'test']) {
    expect(await json(folder, [command])).toMatchObject({
      ok: false,
      error: { code: 'package/missing', cure: expect.stringContaining('plinth create <name>') },
    });
    const sources = await plinth(folder, [command, 'sources']);
    expect([sources.code, sources.out + sources.err]).toEqual([
      1,
      expect.stringMatching(/manifest\/missing .*no plugin\.json\n\s*cure Name the folder/),
    ]);
  }
});

describe('finds', () => {
  it('mistakes of the manifest, all at once, and says it with a frame', async () => {
    const wrong = manifest({ runtimes: ['nodejs'], permisions: {}, engines: { plinth: '^9' } });
    expect(places(await findings(wrong))).toEqual([
      'manifest/invalid plugin.json:5:5',
      'manifest/invalid plugin.json:7:3',
    ]);
    const { code, out } = await plinth(await folderOf({ ...GREETER, ...wrong }), ['validate']);
    expect(code).toBe(1);
    expect(out).toContain("unknown key (did you mean 'permissions'?)");
    expect(out).toContain('> 7 |   "permisions": {},\n    |   ^');
    expect(out).toContain('2 errors, 0 warnings');
    expect(places(await findings(manifest({ engines: { plinth: '^9' } })))).toContain(
      'engines/unsupported plugin.json:5:5',
    );
    for (const [text, place] of [
      ['{ nope', '1:3'],
      ['{', '1:2'],
      ['{\n  "id": "a"\n', '2:12'],
      ['{\n  "id": "a",\n}', '3:1'],
      ['{\n  "id": com.example\n}', '2:9'],
      ['{"id": "a" "version": "1"}', '1:12'],
      ['{\n  "id": "tab\t"\n}', '2:13'],
      ['\ufeff{"id": nope}', '1:9'],
      ['{}}', '1:3'],
    ])
      expect([text, places(await findings({ 'plugin.json': text as string }))]).toEqual([
        text,
        [`manifest/not-json plugin.json:${place}`],
      ]);
  });

  it('where the manifest and the code disagree, and what cannot be bundled', async () => {
    expect(
      places(
        await findings(manifest({ provides: ['com.example.greeter@1', 'com.example.greeter@2'] })),
      ),
    ).toEqual(['manifest/disagrees plugin.json:6:5']);
    expect(
      places(await findings({ 'src/index.ts': 'export default {\n  activate(ctx {},\n};\n' })),
    ).toEqual(['bundle/syntax src/index.ts:2:16']);
    expect(
      places(
        await findings({
          'src/index.ts': "import 'node:fs';\nexport default { activate() {} };\n",
        }),
      ),
    ).toEqual(['bundle/runtime-import src/index.ts:1:8']);
    for (const [code, found] of [
      [
        "import './none.ts';\nexport default { activate() {} };\n",
        'unresolved-import src/index.ts:1:8',
      ],
      [
        'export default { activate: (ctx) => import(ctx.config.name) };\n',
        'dynamic-import src/index.ts:1:37',
      ],
    ] as const)
      expect(await findings({ 'src/index.ts': code })).toMatchObject([
        { rule: `bundle/${found.split(' ')[0]}`, cure: expect.any(String) },
      ]);
  });

  it('permissions that are missing, with their scope, and those that are not used', async () => {
    const found = await findings({
      ...plugin(`${HANDLERS}
    const { storage, events: bus } = ctx;
    void storage.set('a', 1);
    bus.on('user:*', () => {});
    bus.on('greeted', () => {});
    void ctx.fetch('https://api.example.com/v1/a');
    void ctx.fetch('https://other.example.com/');
    void ctx.commands.execute('com.example.auth:check', {});`),
      ...manifest({
        permissions: {
          network: { fetch: ['https://api.example.com/*'] },
          secrets: { read: ['token'] },
          commands: { execute: ['com.example.auth:*'] },
        },
      }),
    });
    expect(places(found)).toEqual([
      'permission/unused plugin.json:11:7',
      'permission/missing src/index.ts:9:10',
      'permission/missing src/index.ts:10:5',
      'permission/missing src/index.ts:13:10',
    ]);
    expect(found.map(({ message }) => message).join('\n')).toMatch(
      /storage\.write for 'a'[\s\S]*events\.subscribe for 'user:\*'[\s\S]*network\.fetch for 'https:\/\/other/,
    );
  });

  it('schemas that JSON Schema can not express', async () => {
    const contract = GREETER['src/contract.ts'].replace('at: v.number()', 'at: v.date()');
    const found = await findings({ 'src/contract.ts': contract });
    expect(found.map(({ rule, message }) => `${rule} ${message}`)).toEqual([
      expect.stringMatching(
        /^schema\/not-json the schema 'com\.example\.greeter@1 greeted payload'/,
      ),
    ]);
  });

  it('globals that no plugin has, and no name of the file itself', async () => {
    const found = await findings(
      plugin(`${HANDLERS}
    const location = { process: 1 };
    console.log(location.process, { document: 2 }.document, typeof process);
    setImmediate(() => Buffer.from(process.env.HOME ?? ''));`),
    );
    const globals = found.filter(({ rule }) => rule === 'global/missing');
    expect(places(globals)).toEqual([
      'global/missing src/index.ts:10:5',
      'global/missing src/index.ts:10:24',
      'global/missing src/index.ts:10:36',
    ]);
    expect(globals.map(({ cure }) => cure)).toEqual([
      'Use setTimeout.',
      'Use Uint8Array.',
      'Use ctx.config and ctx.env.',
    ]);
  });

  it('calls of handlers that do not pass their call on', async () => {
    const found = await findings({
      ...plugin(`    ctx.provide(Greeter, {
      async greet({ name }, call) {
        await ctx.commands.execute('com.example.greeter:greet', { name });
        await ctx.commands.execute('com.example.greeter:greet', { name }, call);
        await ctx.commands.execute('com.example.greeter:greet', { name }, { signal: call.signal });
        return { text: name };
      },
    });
    void ctx.commands.execute('com.example.greeter:greet', { name: 'outside' });`),
    });
    expect(places(found.filter(({ rule }) => rule === 'call/forgotten'))).toEqual([
      'call/forgotten src/index.ts:9:15',
    ]);
    expect(found.at(-1)?.cure).toContain('commands.execute(…, call)');
  });
});

it('--fix adds what is missing to the manifest, and keeps the rest', async () => {
  const folder = await folderOf({
    ...GREETER,
    ...plugin(`${HANDLERS}\n    void ctx.storage.set('a', 1);\n    void ctx.secrets.get('token');`),
    ...manifest({ name: 'Greeter', permissions: { secrets: { read: ['other'] } } }),
  });
  const { out } = await plinth(folder, ['validate', '--fix']);
  expect(out).toContain('fixed in plugin.json: 2 findings');
  expect(await readJson(folder, 'plugin.json')).toEqual({
    id: 'com.example.greeter',
    version: '1.2.0',
    name: 'Greeter',
    permissions: { secrets: { read: ['other', 'token'] }, storage: { write: true } },
  });
  expect(await json(folder, ['validate'])).toMatchObject({ ok: true });
});

describe('a package', () => {
  it('is checked against its digests, as a folder and as an archive', async () => {
    const folder = await folderOf(GREETER);
    await plinth(folder, ['bundle']);
    const archive = 'dist/com.example.greeter-1.2.0.plinth';
    expect(await json(folder, ['validate', archive])).toMatchObject({ ok: true, findings: [] });
    const file = join(folder, 'dist/plugin/plugin.js');
    await writeFile(file, `${await readFile(file, 'utf8')}// changed\n`);
    await write(folder, { 'dist/plugin/more.txt': 'more' });
    await writeFile(
      file,
      `${await readFile(file, 'utf8')}export const go = (name) => import(name);\n`,
    );
    const { ok, findings } = await json(folder, ['validate', 'dist/plugin']);
    expect(ok).toBe(false);
    expect((findings as Found[]).map(({ rule, message }) => `${rule} ${message}`)).toEqual([
      'bundle/dynamic-import imports a module whose name is known only when it runs',
      "package/unlisted 'more.txt' is in the package, and has no digest in the manifest",
      "package/digest 'plugin.js' is not the file that the manifest describes",
    ]);
  });

  it('is no reason to run what it contains with rights', async () => {
    const folder = await folderOf({
      'plugin.json': {
        id: 'com.example.bad',
        version: '1.0.0',
        main: 'plugin.js',
        engines: { plinth: '^1.0.0' },
      },
      'plugin.js':
        "import fs from 'node:fs';\nfs.writeFileSync('stolen', '1');\nexport default { activate() {} };\n",
    });
    const { ok, findings } = await json(folder, ['validate']);
    expect(ok).toBe(false);
    expect((findings as Found[])[0]?.message).toContain(
      "imports nothing, and this one imports 'node:fs'",
    );
  });
});

describe('--against', () => {
  const released = async () => {
    const folder = await folderOf(GREETER);
    await plinth(folder, ['bundle']);
    return folder;
  };
  const archive = 'dist/com.example.greeter-1.2.0.plinth';
  const rules = async (folder: string) =>
    ((await json(folder, ['validate', '--against', archive])).findings as Found[])
      .filter(({ rule }) => rule.startsWith('compat/'))
      .map(({ rule, message }) => `${rule} ${message}`);

  it('finds nothing where nothing has changed', async () => {
    expect(await rules(await released())).toEqual([]);
  });

  it('finds what breaks users, and a version that is not raised', async () => {
    const folder = await released();
    const contract = GREETER['src/contract.ts'].replace(
      '{ name: v.string(), loud',
      '{ name: v.string(), tone: v.string(), loud',
    );
    await write(folder, { 'src/contract.ts': contract });
    expect(await rules(folder)).toEqual([
      expect.stringMatching(/^compat\/breaking com\.example\.greeter@1 greet input tone: /),
      'compat/version the changes since 1.2.0 need a major version, and this is 1.2.0',
    ]);
  });

  it('asks for a minor version for what is new', async () => {
    const folder = await released();
    const contract = GREETER['src/contract.ts'].replace(
      'greeted:',
      'wished: event(v.string()),\n  greeted:',
    );
    await write(folder, {
      'src/contract.ts': contract,
      'plugin.json': { id: 'com.example.greeter', version: '1.2.1' },
    });
    expect(await rules(folder)).toEqual([
      'compat/version the changes since 1.2.0 need a minor version, and this is 1.2.1',
    ]);
    await write(folder, { 'plugin.json': { id: 'com.example.greeter', version: '1.3.0' } });
    expect(await rules(folder)).toEqual([]);
  });

  it('refuses what is no release', async () => {
    const { code, err } = await plinth(await folderOf(GREETER), [
      'validate',
      '--against',
      'nowhere',
    ]);
    expect(code).toBe(1);
    expect(err).toContain('package/missing');
  });
});

it('--format sarif writes a log that code hosts read', async () => {
  const folder = await folderOf({
    ...GREETER,
    ...plugin(`${HANDLERS}\n    console.log(process);`),
  });
  const { code, out } = await plinth(join(folder, '..'), ['validate', folder, '--format', 'sarif']);
  expect(code).toBe(1);
  const log = JSON.parse(out);
  expect(log.version).toBe('2.1.0');
  expect(log.runs[0].results.at(-1)).toMatchObject({
    ruleId: 'global/missing',
    level: 'error',
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: expect.stringMatching(/^\.cli-.*\/src\/index\.ts$/) },
          region: { startLine: 8, startColumn: 17 },
        },
      },
    ],
  });
  const ids = log.runs[0].tool.driver.rules.map(({ id }: { id: string }) => id);
  for (const { ruleId } of log.runs[0].results) expect(ids).toContain(ruleId);
  expect((await plinth(folder, ['validate', '--format', 'xml'])).code).toBe(2);
});
