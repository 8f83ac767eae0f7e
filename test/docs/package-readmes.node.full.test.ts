/**
 * The README of each package shows code that runs. `test/packaging/readme.test.ts` runs the one for
 * pages.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildPlugin } from '../../scripts/build-plugins.ts';
import { codeOf } from './readme-code.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(root, 'test/docs/.readme-'));
  mkdirSync(join(folder, 'src'));
  writeFileSync(join(folder, 'src/index.ts'), codeOf('sdk', 'ts'));
  writeFileSync(join(folder, 'plugin.json'), codeOf('sdk', 'json'));
  writeFileSync(join(folder, 'host.ts'), codeOf('host-node', 'ts'));
  writeFileSync(join(folder, 'main.ts'), codeOf('host-browser', 'ts'));
  writeFileSync(join(folder, 'kernel.ts'), codeOf('kernel', 'ts'));
  writeFileSync(join(folder, 'otel.ts'), codeOf('extensions/otel', 'ts'));
  writeFileSync(join(folder, 'http.ts'), codeOf('extensions/http', 'ts'));
  writeFileSync(join(folder, 'ui.ts'), codeOf('extensions/ui', 'ts'));
  writeFileSync(join(folder, 'jobs.ts'), codeOf('extensions/jobs', 'ts'));
  writeFileSync(join(folder, 'sql.ts'), codeOf('extensions/sql', 'ts'));
  await buildPlugin(folder, join(folder, 'plugins/greeter'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (...args: readonly string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: folder,
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { status, stdout, stderr };
};
const greets = { status: 0, stdout: 'Hello, Ada!\n', stderr: '' };

it("the host of @plinth/host-node's README runs the plugin of @plinth/sdk's", () => {
  expect(run('host.ts')).toEqual(greets);
});

it("@plinth/kernel's README runs in one thread", () => {
  expect(run('kernel.ts')).toEqual(greets);
});

it("@plinth/otel's README shows the spans of the plugin", () => {
  const phases = ['read', 'verify', 'spawn', 'import', 'configure', 'activate'];
  const names = [...phases, 'start'].map((one) => `plugin.${one}`);
  expect(run('otel.ts')).toEqual({
    status: 0,
    stdout: `Hello, Ada!\n${[...names, 'com.example.greeter:greet', 'plugin.stop'].map((name) => `${name} com.example.greeter\n`).join('')}`,
    stderr: '',
  });
});

it("@plinth/http's README calls the plugin over HTTP", () => {
  expect(run('http.ts')).toEqual(greets);
});

it("@plinth/ui's README runs the command of the plugin", () => {
  expect(run('ui.ts')).toEqual(greets);
});

it("@plinth/jobs's README runs a job", () => {
  expect(run('jobs.ts')).toEqual(greets);
});

it("@plinth/sql's README keeps what its plugin says", () => {
  expect(run('sql.ts')).toEqual(greets);
});

it('the code of all READMEs type-checks', () => {
  const compilerOptions = {
    allowImportingTsExtensions: true,
    lib: ['es2023', 'dom'],
    noEmit: true,
  };
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: '../../../tsconfig.base.json',
      compilerOptions: { ...compilerOptions, composite: false, rootDir: '.', types: ['node'] },
      files: [
        'src/index.ts',
        'host.ts',
        'main.ts',
        'kernel.ts',
        'otel.ts',
        'http.ts',
        'ui.ts',
        'jobs.ts',
        'sql.ts',
      ],
    }),
  );
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  expect(run(tsc, '-p', '.')).toEqual({ status: 0, stdout: '', stderr: '' });
});

it('each README names its package, how it is installed, and a link to the project', () => {
  const extensions = [
    'extensions/otel',
    'extensions/http',
    'extensions/ui',
    'extensions/jobs',
    'extensions/sql',
  ];
  for (const folder of ['sdk', 'kernel', 'host-node', 'host-browser', ...extensions]) {
    const name = basename(folder);
    const text = readFileSync(join(root, folder, 'README.md'), 'utf8');
    expect(text, name).toContain(`# @plinth/${name}\n`);
    expect(text, name).toContain(`npm install @plinth/${name}`);
    expect(text, name).toContain('https://github.com/plinth-kernel/plinth#readme');
  }
});
