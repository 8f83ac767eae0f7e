/** `plinth create`: projects that are complete, or nothing. What they do is tested from tarballs. */
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { BIN, filesOf, folderOf, json, plinth, readJson, write } from './plinth.ts';

const bin = (path: string) => fileURLToPath(new URL(`../../node_modules/${path}`, import.meta.url));
const tool = (path: string, cwd: string, ...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin(path), ...args], {
    cwd,
    encoding: 'utf8',
  });
  return { status, output: stdout + stderr };
};
const LANGUAGES = ['ts', 'js'] as const;
const TEMPLATES = {
  minimal: '.',
  http: '.',
  ui: '.',
  sql: '.',
  'app-node': 'plugins/notes',
  'app-vite': 'plugins/notes',
  'app-react': 'plugins/notes',
};

describe.each(Object.entries(TEMPLATES))('the template %s', (template, plugin) => {
  it.each(LANGUAGES)('in %s is a plugin that is valid and of checked types', async (language) => {
    const folder = await folderOf({});
    const created = await json(folder, [
      ...['create', 'notes', '--template', template, '--language', language],
    ]);
    expect(created).toMatchObject({ ok: true, id: 'com.example.notes', template, language });
    const project = join(folder, 'notes');
    expect(await filesOf(project)).toEqual(created.files);
    const place = join(project, plugin);
    expect(await json(place, ['validate'])).toMatchObject({ ok: true, findings: [] });
    expect(tool('typescript/bin/tsc', place, '-p', '.')).toEqual({ status: 0, output: '' });
    const format = tool(
      '@biomejs/biome/bin/biome',
      fileURLToPath(new URL('../..', import.meta.url)),
      'format',
      '--vcs-enabled=false',
      project,
    );
    expect(format).toMatchObject({ status: 0 });

    await write(place, { [`src/wrong.${language}`]: 'console.log(process, document);\n' });
    const wrong = tool('typescript/bin/tsc', place, '-p', '.');
    expect(wrong.output).toMatch(/Cannot find name 'process'[\s\S]*Cannot find name 'document'/);
  });
});

it('templates ask for the versions that this workspace is tested with', async () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const { devDependencies } = (await readJson(root, 'package.json')) as {
    devDependencies: Record<string, string>;
  };
  const example = (await readJson(root, 'examples/spa-react/package.json')) as Record<
    string,
    Record<string, string>
  >;
  const react = { ...example.dependencies, ...example.devDependencies };
  const sdk = (await readJson(root, 'sdk/package.json')) as {
    dependencies: Record<string, string>;
  };
  for (const template of Object.keys(TEMPLATES)) {
    const { dependencies = {}, devDependencies: more } = (await readJson(
      root,
      'cli/templates',
      template,
      'package.json',
    )) as Record<string, Record<string, string>>;
    for (const [name, range] of Object.entries({ ...dependencies, ...more })) {
      const known =
        name === 'valibot' ? sdk.dependencies[name] : (devDependencies[name] ?? react[name]);
      expect([name, range]).toEqual([
        name,
        name.startsWith('@plinth/') ? '__PLINTH__' : `^${known}`,
      ]);
    }
  }
});

// It runs the program a dozen times.
it('plinth test validates the plugin, checks how it runs, runs its tests, and fails with any', async () => {
  const folder = await folderOf({});
  await plinth(folder, ['create', 'notes']);
  const project = join(folder, 'notes');
  const passed = await plinth(project, ['test']);
  expect(passed).toMatchObject({ code: 0 });
  expect(passed.out).toContain('valid, its checks pass, and its tests pass');
  // Also what was bundled of it, as a folder and as one file.
  for (const made of ['dist/plugin', 'dist/com.example.notes-0.1.0.plinth']) {
    const bundled = await plinth(project, ['test', made]);
    expect([bundled.code, bundled.out]).toEqual([0, expect.stringContaining('its checks pass')]);
  }
  const manifest = await readJson(project, 'plugin.json');
  await write(project, {
    'samples.json': { greet: [{ name: 'Ada' }] },
    'plugin.json': { ...manifest, version: '0.2.0' },
  });
  const options = [
    '--samples',
    'samples.json',
    '--previous',
    'dist/com.example.notes-0.1.0.plinth',
  ];
  const checked = await plinth(project, ['test', '--json', '--junit', 'report.xml', ...options]);
  const { checks } = JSON.parse(checked.out) as { checks: { id: string; ok: boolean }[] };
  expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  expect(checks.map(({ id }) => id.split('/')[0])).toContain('compatibility');
  expect(await readFile(join(project, 'report.xml'), 'utf8')).toMatch(/<testsuites .*failures="0"/);
  for (const wrong of [
    ['--samples', 'package.json'],
    ['--samples', 'none.json'],
    ['--budget', 'soon'],
    ['--previous', 'none.plinth'],
  ])
    expect(await plinth(project, ['test', ...wrong])).toMatchObject({ code: 2 });
  const test = join(project, 'test/notes.test.ts');
  const text = await readFile(test, 'utf8');
  await write(project, { 'test/notes.test.ts': text.replace('Hello, Ada', 'Bye, Ada') });
  expect(await plinth(project, ['test'])).toMatchObject({ code: 1 });
  await write(project, { 'test/notes.test.ts': text, 'src/wrong.ts': 'console.log(process);\n' });
  const source = await readFile(join(project, 'src/index.ts'), 'utf8');
  await write(project, { 'src/index.ts': `import './wrong.ts';\n${source}` });
  const invalid = await plinth(project, ['test']);
  expect([invalid.code, invalid.out]).toEqual([1, expect.stringContaining('not valid')]);
  await write(project, {
    'package.json': { scripts: { test: `node ${JSON.stringify(BIN)} test` } },
    'src/index.ts': source,
  });
  expect((await plinth(project, ['test'])).err).toContain('test/recursive');
}, 180_000);

it.each(['ui', 'http', 'sql'])(
  'plinth test passes the template %s as it was made',
  async (template) => {
    const folder = await folderOf({});
    await plinth(folder, ['create', 'notes', '--template', template]);
    const { checks } = (await json(join(folder, 'notes'), ['test'])) as {
      checks: readonly { id: string; ok: boolean }[];
    };
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(checks.map(({ id }) => id)).toContain('permissions/unused');
  },
  60_000,
);

describe('create', () => {
  it('leaves keys out of the repository', async () => {
    const folder = await folderOf({});
    await plinth(folder, ['create', 'notes']);
    expect(await readFile(join(folder, 'notes/.gitignore'), 'utf8')).toContain('*.key\n');
  });

  it('takes an id, and names the folder as it was said', async () => {
    const folder = await folderOf({});
    await plinth(folder, ['create', 'here/there', '--id', 'com.acme.some-notes', '--yes']);
    expect(await readJson(folder, 'here/there/plugin.json')).toMatchObject({
      id: 'com.acme.some-notes',
      name: 'Some notes',
    });
    expect(await readFile(join(folder, 'here/there/src/contract.ts'), 'utf8')).toContain(
      "export const SomeNotes = contract('com.acme.some-notes@1'",
    );
  });

  it('names the nearest legal id for one that is not', async () => {
    const folder = await folderOf({});
    for (const [id, near] of [
      ['Foo', 'com.example.foo'],
      ['com.example.Foo_Bar', 'com.example.foo-bar'],
      ['.', 'com.example.notes'],
    ] as const)
      expect(await json(folder, ['create', 'notes', '--id', id])).toMatchObject({
        error: { code: 'create/illegal-id', cure: `plinth create notes --id ${near}` },
      });
    expect(await filesOf(folder)).toEqual([]);
  });

  it('writes into an empty folder, and into no other', async () => {
    const folder = await folderOf({ 'full/mine.txt': 'mine', file: '' });
    for (const name of ['full', 'file', '.']) {
      const { code, err } = await plinth(folder, ['create', name, '--id', 'com.example.notes']);
      expect([name, code, err]).toEqual([name, 1, expect.stringContaining('create/exists')]);
    }
    expect(await filesOf(folder)).toEqual(['file', 'full/mine.txt']);
  });

  it('refuses ids that are not legal, unknown templates, and a missing name without a terminal', async () => {
    const folder = await folderOf({});
    for (const args of [
      ['Notes!'],
      ['plugin.notes'],
      ['notes', '--id', 'Com.Example'],
      ['notes', '--template', 'huge'],
      ['notes', '--language', 'coffee'],
      ['', '--id', 'com.example.notes'],
      [],
    ]) {
      const { code, err } = await plinth(folder, ['create', ...args]);
      expect([args, code, err]).toEqual([args, 2, expect.stringMatching(/^error /)]);
    }
    for (const [name, cure] of [
      ['My Notes', 'plinth create my-notes'],
      ['Notes', 'plinth create notes'],
      ['%', 'plinth create notes'],
    ] as const)
      expect((await plinth(folder, ['create', name])).err).toContain(cure);
    expect(await filesOf(folder)).toEqual([]);
  });
});
