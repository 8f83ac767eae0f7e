/** `plugin.json` with every kind of mistake. */
import type { PackageInput } from '@plinth/kernel';
import { PluginManifestError, parseManifest } from '@plinth/sdk';
import { describe, expect, it } from 'vitest';
import { costOf } from '../support/cost.ts';
import { diagnose, type Failure } from './diagnose.ts';

const base = { id: 'test.bad', version: '1.0.0', main: 'plugin.js', engines: { plinth: '^1.0.0' } };
const code = 'export default { activate() {} };';
const textOf = (changes: object) => JSON.stringify({ ...base, ...changes });
const nested = (depth: number) =>
  `{"config":{"a":${'['.repeat(depth)}${']'.repeat(depth)}},${JSON.stringify(base).slice(1)}`;
const fail = async (manifest: unknown): Promise<Failure> => {
  const { failures, failure } = await diagnose([
    { manifest: manifest as PackageInput['manifest'], code },
  ]);
  expect(failures).toHaveLength(1);
  return failure;
};
const DIGEST = 'a'.repeat(64);
const problemsOf = ({ error }: Failure) =>
  error.details.problems as readonly { readonly path: string; readonly message: string }[];

describe('contracts that are not the own ones', () => {
  const asking = (scope: string) => ({
    ...base,
    provides: ['test.bad@1', 'com.acme.panel@2'],
    permissions: { contracts: { provide: [scope] } },
  });
  const refusal = { code: 'manifest/invalid', message: expect.stringMatching(/com\.acme\.panel/) };

  it.each(['com.acme.panel', 'com.acme.*', '*'])(
    'are taken by a reader without a kernel that sees the right to %s',
    (scope) => {
      expect(parseManifest(asking(scope)).provides).toEqual(['test.bad@1', 'com.acme.panel@2']);
    },
  );

  it('are refused there without the right, with the line to write', () => {
    for (const manifest of [asking('com.acme.other'), { ...asking('*'), permissions: {} }])
      expect(() => parseManifest(manifest)).toThrow(
        expect.objectContaining({
          ...refusal,
          message: expect.stringContaining('"contracts": { "provide": ["com.acme.panel"] }'),
        }),
      );
  });

  it('are refused by a kernel that has not opened them, whatever the manifest asks for', async () => {
    const { error } = await fail(asking('*'));
    expect(error).toMatchObject(refusal);
    expect(() => parseManifest(asking('*'), 'x', { open: () => false })).toThrow(
      expect.objectContaining(refusal),
    );
  });
});

describe('a manifest as text', () => {
  it.each<[string, unknown, string, RegExp]>([
    ['empty', '', 'manifest/missing', /memory:0\S* is empty/],
    ['blank', ' \n\t', 'manifest/missing', /is empty/],
    ['only a BOM', '\ufeff', 'manifest/missing', /is empty/],
    ['null in place of an object', null, 'manifest/missing', /is empty/],
    ['not JSON', 'id = test.bad', 'manifest/not-json', /memory:0\S* is not JSON: .*token/],
    ['half of JSON', '{"id": "test.bad"', 'manifest/not-json', /is not JSON/],
    ['JSON with a comment', `/* mine */ ${textOf({})}`, 'manifest/not-json', /is not JSON/],
    ['JSON with a trailing comma', '{"id": "test.bad",}', 'manifest/not-json', /is not JSON/],
    ['two values', '{}{}', 'manifest/not-json', /is not JSON/],
    [
      'huge',
      textOf({ description: 'x'.repeat(300_000) }),
      'manifest/too-large',
      /has 3\d{5} characters; a manifest has at most 262144/,
    ],
    ['a list', '[]', 'manifest/invalid', /id: is required/],
    ['null', 'null', 'manifest/invalid', /Object/],
    ['a number', '42', 'manifest/invalid', /Object/],
    ['a text', '"test.bad"', 'manifest/invalid', /Object/],
    ['nested too deeply', nested(100_000), 'manifest/invalid', /config/],
  ])('that is %s is one typed error', async (_, manifest, expected, message) => {
    const { error, stage } = await fail(manifest);
    expect(error).toBeInstanceOf(PluginManifestError);
    expect({ code: error.code, stage }).toEqual({ code: expected, stage: 'validate' });
    expect(error.message).toMatch(message);
    expect(error.details.origin).toMatch(/^memory:0/);
  });

  it('with a byte order mark is read', async () => {
    expect((await diagnose([{ manifest: `\ufeff${textOf({})}`, code }])).active).toContain(
      'test.bad',
    );
  });
});

describe('a manifest as an object', () => {
  it.each<[string, unknown, RegExp]>([
    ['a number that JSON has not', Number.NaN, /contributes\.views\.n: is NaN/],
    ['a Map', new Map(), /contributes\.views\.n: is a Map: a manifest has only what JSON has/],
    ['a Date', new Date(0), /contributes\.views\.n: is a Date/],
    ['a function', () => 1, /contributes\.views\.n: is function/],
    ['a bigint', 1n, /contributes\.views\.n: is bigint/],
    ['a hole in a list', new Array(1), /contributes\.views\.n\.0: is undefined/],
  ])('with %s is refused by its path', async (_, n, message) => {
    const { error } = await fail({ ...base, contributes: { views: { n } } });
    expect([error.code, error.message]).toEqual([
      'manifest/invalid',
      expect.stringMatching(message),
    ]);
  });

  it('is copied: it stays as it is, and nothing reaches the manifest through it', () => {
    const menu = [{ id: 'a' }];
    const views = Object.freeze({ menu, left: undefined, inner: { n: 1 } });
    const made = { ...base, contributes: { views } };
    const { contributes } = parseManifest(made) as unknown as typeof made;
    views.inner.n = 2;
    menu.push({ id: 'b' });
    expect(contributes.views).toEqual({ menu: [{ id: 'a' }], inner: { n: 1 } });
    expect([views, contributes.views].map(({ inner }) => Object.isFrozen(inner))).toEqual([
      false,
      true,
    ]);
  });
});

describe('keys of a manifest', () => {
  it.each<[string, object, string, string]>([
    ['maim', { maim: 'plugin.js' }, 'maim', "unknown key (did you mean 'main'?)"],
    [
      'depenencies',
      { depenencies: {} },
      'depenencies',
      "unknown key (did you mean 'dependencies'?)",
    ],
    ['Name', { Name: 'x' }, 'Name', "unknown key (did you mean 'name'?)"],
    [
      'permissions, a list',
      { permissions: ['storage.read', 'storage.write'] },
      'permissions',
      'is a list, and has to be an object',
    ],
    [
      'permissions.storage, a list',
      { permissions: { storage: ['read'] } },
      'permissions.storage',
      'is a list, and has to be an object',
    ],
    ['qwertyuiop', { qwertyuiop: 1 }, 'qwertyuiop', 'unknown key'],
    [
      'permissions.netwrok',
      { permissions: { netwrok: {} } },
      'permissions.netwrok',
      "unknown key (did you mean 'network'?)",
    ],
    [
      'permissions.storage.raed',
      { permissions: { storage: { raed: true } } },
      'permissions.storage.raed',
      "unknown key (did you mean 'read'?)",
    ],
    [
      'contributes.commands.1.titel',
      { contributes: { commands: [{ id: 'a' }, { id: 'b', titel: 'B' }] } },
      'contributes.commands.1.titel',
      "unknown key (did you mean 'title'?)",
    ],
    ['constructor', { constructor: 1 }, 'constructor', 'unknown key'],
    ['toString', { toString: 'x' }, 'toString', 'unknown key'],
    ['permissions.valueOf', { permissions: { valueOf: 1 } }, 'permissions.valueOf', 'unknown key'],
  ])('that are unknown are refused: %s', async (_, changes, path, message) => {
    const { main: _main, ...withoutMain } = base;
    const failure = await fail(
      JSON.stringify(path === 'maim' ? { ...withoutMain, ...changes } : { ...base, ...changes }),
    );
    expect(failure.error).toMatchObject({ code: 'manifest/invalid' });
    expect(problemsOf(failure)).toContainEqual({ path, message: expect.stringContaining(message) });
  });

  it.each<[string, string, string]>([
    ['id', textOf({}).replace('{', '{"id":"test.other",'), 'id'],
    ['id, once escaped', textOf({}).replace('{', '{"\\u0069d":"test.other",'), 'id'],
    [
      'permissions.storage.read',
      textOf({ permissions: 'P' }).replace('"P"', '{"storage":{"read":false,"read":true}}'),
      'permissions.storage.read',
    ],
    [
      'contributes.commands.1.id',
      textOf({ contributes: 'C' }).replace('"C"', '{"commands":[{"id":"a"},{"id":"b","id":"c"}]}'),
      'contributes.commands.1.id',
    ],
  ])('that are duplicate are refused: %s', async (_, manifest, path) => {
    const failure = await fail(manifest);
    expect(problemsOf(failure)).toContainEqual({ path, message: 'is written twice' });
  });

  it.each<[string, string, string]>([
    ['at the top', textOf({}).replace('{', '{"__proto__":{"main":"evil.js"},'), '__proto__'],
    [
      'in permissions',
      textOf({ permissions: 'P' }).replace('"P"', '{"__proto__":{"wasm":true}}'),
      'permissions.__proto__',
    ],
    [
      'in dependencies',
      textOf({ dependencies: 'D' }).replace('"D"', '{"__proto__":"^1.0.0"}'),
      'dependencies.__proto__',
    ],
  ])('called __proto__ are refused: %s', async (_, manifest, path) => {
    const failure = await fail(manifest);
    expect(problemsOf(failure)).toContainEqual({
      path,
      message: expect.stringContaining("'__proto__'"),
    });
    expect(({} as Record<string, unknown>).wasm).toBeUndefined();
  });

  it.each(['constructor', 'prototype'])(
    'called %s under dependencies are refused or resolved, not dropped',
    async (name) => {
      const { error } = await fail(textOf({ dependencies: { [name]: '^1.0.0' } }));
      expect(error.code).toMatch(/^(manifest\/invalid|plugin\/unsatisfied)$/);
    },
  );
});

describe('values of a manifest', () => {
  const id = 'lower-case words';
  const version = "not a version: write 'major.minor.patch'";
  const range = "not a version range: write one like '^1.2.0'";
  const path = "not a path inside the plugin's folder";
  const scope = 'not a scope';
  it.each<[string, object, string, string]>([
    ...[
      'Test.Bad',
      'test.b\u0430d',
      '\uff54est.bad',
      'test..bad',
      '.test',
      'test.',
      'test bad',
      'test/bad',
      '../test',
      'test.bad\u200b',
      'test.bad\n',
      '',
      '1test',
      'test_bad',
      'ſtest',
    ].map((value): [string, object, string, string] => ['id', { id: value }, 'id', id]),
    ['id', { id: 'x'.repeat(129) }, 'id', 'at most 128 characters'],
    ['id', { id: 'plinth.core' }, 'id', "ids that start with 'plinth' belong to the kernel"],
    ['id', { id: 'kernel' }, 'id', "'kernel' belong to the kernel"],
    ['id', { id: 'plugin-x' }, 'id', "'plugin' belong to the kernel"],
    ['id', { id: 42 }, 'id', 'Expected string'],
    ['id', { id: undefined }, 'id', 'is required'],
    ...[
      '1',
      '1.0',
      'v1.0.0',
      '01.0.0',
      '1.0.0 ',
      '=1.0.0',
      '',
      'latest',
      '99999999999999999999.0.0',
      '1.0.0-',
    ].map((value): [string, object, string, string] => [
      'version',
      { version: value },
      'version',
      version,
    ]),
    ['version', { version: 1 }, 'version', 'Expected string'],
    ...['newest', '^^1', '1.x.y.z'].map((value): [string, object, string, string] => [
      'engines.plinth',
      { engines: { plinth: value } },
      'engines.plinth',
      range,
    ]),
    ['engines', { engines: undefined }, 'engines', 'is required'],
    ['engines.plinth', { engines: {} }, 'engines.plinth', 'is required'],
    ['dependencies', { dependencies: { 'test.other': 'any' } }, 'dependencies.test.other', range],
    ['dependencies', { dependencies: { 'Not An Id': '*' } }, 'dependencies.Not An Id', id],
    [
      'dependencies',
      { dependencies: { 'test.bad': '*' } },
      'dependencies.test.bad',
      'cannot depend on itself',
    ],
    ['needs', { needs: ['test.other'] }, 'needs.0', "write '<plugin id>@<range>'"],
    ['provides', { provides: ['test.other@1'] }, 'provides', "is not this plugin's"],
    ...[
      '../x.js',
      '/x.js',
      'C:\\x.js',
      'c:x.js',
      'dist\\x.js',
      'a/../../x.js',
      './../x.js',
      './..',
      './',
      '.',
      '..',
      '',
      'a//x.js',
      'a/./x.js',
      'a\0.js',
      'https://example.com/x.js',
      '//host/x.js',
      'file:x.js',
      'a/',
    ].map((value): [string, object, string, string] => ['main', { main: value }, 'main', path]),
    ['files', { files: { '../x.js': 'a'.repeat(64) } }, 'files.../x.js', path],
    ...['a%2e.js', '%2e%2e/x.js', 'x.js#y', 'x.js?y', 'x.js.', 'x.js ', 'a./x.js', 'a\nb.js'].map(
      (value): [string, object, string, string] => ['main', { main: value }, 'main', path],
    ),
    ['files', { files: { 'plugin.js': 'ABC' } }, 'files.plugin.js', 'not a SHA-256 digest'],
    ['files', { files: {} }, 'files', "has no digest of 'plugin.js'"],
    ['files', { files: { 'other.js': DIGEST } }, 'files', "has no digest of 'plugin.js'"],
    ['files', { files: { 'Plugin.js': DIGEST } }, 'files', "has no digest of 'plugin.js'"],
    [
      'files',
      { files: { 'plugin.js': DIGEST, './plugin.js': 'b'.repeat(64) } },
      'files',
      'has a file twice',
    ],
    [
      'files',
      { main: './other.js', files: { './plugin.js': DIGEST } },
      'files',
      "has no digest of 'other.js'",
    ],
    ...[
      'permission',
      'signature',
      'config',
      'call',
      'event',
      'need',
      'resource',
      'lane',
      'wire',
      'log',
      'kernel',
      'tenant',
      'middleware',
      'host',
    ].flatMap((segment): [string, object, string, string][] => [
      ['id', { id: segment }, 'id', `'${segment}' belong to the kernel`],
      ['id', { id: `${segment}.tools` }, 'id', `'${segment}' belong to the kernel`],
    ]),
    [
      'permissions',
      { permissions: { workers: true } },
      'permissions.workers',
      'unknown key: plugins start no threads',
    ],
    ['state', { state: { version: 1 } }, 'state', 'unknown key: state is handed over as it is'],
    ['activation', { activation: ['need:anything'] }, 'activation.0', "write 'startup'"],
    ['needs', { needs: ['plinth.*@^1'] }, 'needs.0', "write '<plugin id>@<range>'"],
    ['needs', { needs: ['plinth.data:get@^1'] }, 'needs.0', "write '<plugin id>@<range>'"],
    [
      'range',
      { dependencies: { 'test.other': `${'1 '.repeat(20)}1` } },
      'dependencies.test.other',
      range,
    ],
    ['manifestVersion', { manifestVersion: 2 }, 'manifestVersion', 'Expected (1 |'],
    ...['Not A Scope', 'a.*.b', '', '*x', '../x', 'x'.repeat(300)].map(
      (value): [string, object, string, string] => [
        'scope',
        { permissions: { commands: { execute: ['test.*', value] } } },
        'permissions.commands.execute.1',
        scope,
      ],
    ),
    [
      'scope',
      { permissions: { commands: { execute: 'test.*' } } },
      'permissions.commands.execute',
      'Expected Array',
    ],
    [
      'scope',
      { permissions: { events: { subscribe: [1] } } },
      'permissions.events.subscribe.0',
      'Expected string',
    ],
    [
      'scope',
      { permissions: { middleware: { use: ['test.other:*'] } } },
      'permissions.middleware.use.0',
      "not a target: write 'command:<id>' or 'event:<topic>'",
    ],
    [
      'scope',
      { permissions: { middleware: { use: ['command:'] } } },
      'permissions.middleware.use.0',
      'not a target',
    ],
    ['scope', { permissions: { storage: true } }, 'permissions.storage', 'Expected Object'],
    [
      'scope',
      { permissions: { storage: { read: 'yes' } } },
      'permissions.storage.read',
      'Expected boolean or a list of keys',
    ],
    ...['lots', -1, 1.5, '5 TB', ''].map((value): [string, object, string, string] => [
      'quota',
      { permissions: { storage: { quota: value } } },
      'permissions.storage.quota',
      'not a size',
    ]),
    ['isolation', { isolation: 'thread' }, 'isolation', '"worker"'],
    ['runtimes', { runtimes: ['deno'] }, 'runtimes.0', '"browser"'],
    ['runtimes', { runtimes: [] }, 'runtimes', 'length'],
    ['activation', { activation: ['onStartup'] }, 'activation.0', "write 'startup'"],
    [
      'resources',
      { resources: { timeout: 0 } },
      'resources.timeout',
      'a number of milliseconds above 0',
    ],
    ['resources', { resources: { memory: 'much' } }, 'resources.memory', 'not a size'],
    [
      'commands',
      { contributes: { commands: [{ id: 'a' }, { id: 'a' }] } },
      'contributes.commands.1.id',
      "'a' is contributed twice",
    ],
    [
      'commands',
      { contributes: { commands: [{ id: 'Not a name' }] } },
      'contributes.commands.0.id',
      'not a member name',
    ],
  ])('that are wrong are named with their path: %s %j', async (_, changes, path, message) => {
    const failure = await fail(textOf(changes));
    expect(failure.error).toBeInstanceOf(PluginManifestError);
    expect(failure.error).toMatchObject({
      code: 'manifest/invalid',
      details: { problems: [{ path, message: expect.stringContaining(message) }] },
    });
    expect(failure.error.message).toMatch(/^memory:0/);
    expect(failure.error.message).toContain(message);
  });

  it.each<[string, object]>([
    ['$schema', { $schema: './node_modules/@plinth/sdk/plugin.schema.json' }],
    ['manifestVersion', { manifestVersion: 1 }],
    ['homepage', { homepage: 'https://example.com' }],
    ['repository', { repository: 'https://example.com/repo.git' }],
    [
      'repository',
      { repository: { type: 'git', url: 'https://example.com/repo.git', directory: 'plugins/a' } },
    ],
    ['keywords', { keywords: ['notes', 'markdown'] }],
    ['engines', { engines: { plinth: '^1.0.0', node: '>=22', browsers: ['last 2 versions'] } }],
    ['activation', { activation: ['startup', 'need:test.bad@1'] }],
  ])('that are for people and tools are allowed: %s', async (_, changes) => {
    expect((await diagnose([{ manifest: textOf(changes), code }])).active).toContain('test.bad');
  });

  it('that are paths mean the same file in every spelling', async () => {
    const digest = [
      ...new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(code))),
    ]
      .map((byte) => byte.toString(16).padStart(2, '0'))
      .join('');
    for (const [main, listed] of [
      ['./plugin.js', 'plugin.js'],
      ['plugin.js', './plugin.js'],
    ] as const) {
      const manifest = (files: object) => textOf({ main, files });
      expect(
        (await diagnose([{ manifest: manifest({ [listed]: digest }), code }])).active,
      ).toContain('test.bad');
      const changed = await diagnose([
        { manifest: manifest({ [listed]: digest }), code: `${code}\n` },
      ]);
      expect(changed.failure.error).toMatchObject({ code: 'plugin/digest-mismatch' });
    }
  });

  it.each(['plugin.js', './plugin.js', 'dist/plugin.js', '..plugin.js', 'a.b/c..d.js'])(
    'main may be %s',
    async (main) => {
      expect((await diagnose([{ manifest: textOf({ main }), code }])).active).toContain('test.bad');
    },
  );

  it("that are wrong are all listed at once, with the plugin's name", async () => {
    const failure = await fail(
      textOf({
        version: '1',
        main: '../x',
        maim: 1,
        engines: { plinth: 'new' },
        permissions: { storage: { qouta: 1 }, commands: { execute: ['A'] } },
        tags: 'x',
      }).replace('{', '{"version":"1.0.0",'),
    );
    const paths = [
      'version',
      'version',
      'main',
      'maim',
      'engines.plinth',
      'permissions.storage.qouta',
      'permissions.commands.execute.0',
      'tags',
    ];
    expect(
      problemsOf(failure)
        .map((problem) => problem.path)
        .sort(),
    ).toEqual(paths.sort());
    expect(failure.error.plugin).toBe('test.bad');
    for (const path of paths) expect(failure.error.message).toContain(`${path}: `);
  });
});

describe('a manifest designed to cost time', () => {
  const letters = (count: number, words = 'a') => words.repeat(count);
  const many = <T>(count: number, make: (index: number) => T) =>
    Array.from({ length: count }, (_, index) => make(index));
  const withConfig = (config: string) =>
    textOf({ config: 0 }).replace('"config":0', `"config":${config}`);
  it.each<[string, string]>([
    ['60 000 wrong tags', textOf({ tags: many(60_000, () => 1) })],
    ['2 000 long tags', textOf({ tags: many(2_000, () => letters(100)) })],
    ['thousands of wrong runtimes', textOf({ runtimes: many(50_000, () => 'x') })],
    [
      'thousands of commands of one name',
      textOf({ contributes: { commands: many(16_000, () => ({ id: 'a' })) } }),
    ],
    [
      'wrong policies of commands',
      textOf({
        contributes: {
          commands: many(1_000, (index) => ({ id: `a${index}`, policy: { rety: 1 } })),
        },
      }),
    ],
    ['thousands of needs', textOf({ needs: many(6_000, (index) => `test.a${index}@x y`) })],
    [
      'thousands of dependencies',
      textOf({
        dependencies: Object.fromEntries(many(9_000, (index) => [`test.a${index}`, `${index}`])),
      }),
    ],
    [
      'ranges of a hundred parts',
      textOf({
        dependencies: Object.fromEntries(
          many(120, (index) => [`test.a${index}`, `${index} ${letters(120, '1 ')}`]),
        ),
      }),
    ],
    [
      'ranges of a hundred choices',
      textOf({
        dependencies: Object.fromEntries(
          many(120, (index) => [`test.a${index}`, `${index}${letters(80, '||')}`]),
        ),
      }),
    ],
    [
      'scopes that are none',
      textOf({
        permissions: {
          commands: { execute: many(250, (index) => `${letters(250, 'a ')}${index}`) },
        },
      }),
    ],
    [
      'files without digests',
      textOf({ files: Object.fromEntries(many(3_000, (index) => [`a${index}`, letters(64)])) }),
    ],
    [
      'thousands of unknown keys',
      textOf(Object.fromEntries(many(20_000, (index) => [`kex${index}`, 1]))),
    ],
    ['an unknown key of 250 000 letters', textOf({ [letters(250_000)]: 1 })],
    ['a wrong value of 250 000 letters', textOf({ runtimes: [letters(250_000)] })],
    ['one key written 40 000 times', withConfig(`{${many(40_000, () => '"a":1').join()}}`)],
    ['__proto__ 15 000 times', withConfig(`[${many(15_000, () => '{"__proto__":1}').join()}]`)],
    ['brackets alone', letters(250_000, '[')],
    ['brackets in brackets', withConfig(`{"x":${letters(120_000, '[')}${letters(120_000, ']')}}`)],
    ['quotes that are escaped', `{"a":"${letters(120_000, '\\"')}"}`],
  ])('is refused at once with a short message: %s', (_, manifest) => {
    let error: (Error & { code?: string; details?: { problems?: readonly unknown[] } }) | undefined;
    const cost = costOf(() => {
      try {
        parseManifest(manifest);
      } catch (thrown) {
        error = thrown as Error;
      }
    });
    // The goal is 100 ms on an idle machine; other programs slow the thread's caches too.
    expect(cost).toBeLessThan(500);
    expect(error?.code).toBe('manifest/invalid');
    expect(error?.message.length).toBeLessThan(25_000);
    expect(error?.details?.problems?.length).toBeLessThanOrEqual(50);
  });
});
