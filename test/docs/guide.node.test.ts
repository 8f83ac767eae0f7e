/** Every page of the guide is a project that is bundled, checked by the compiler, and run. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { buildProject, readProject } from './guide-project.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const guide = join(root, 'docs/guide');
const run = (cwd: string, ...args: readonly string[]) =>
  spawnSync(process.execPath, args, { cwd, encoding: 'utf8', timeout: 60_000 });

const pages = readdirSync(guide).filter((name) => name.endsWith('.md'));

describe('docs/guide', () => {
  it.each(pages)(
    '%s runs as it is written',
    async (page) => {
      const project = await readProject(join(guide, page));
      const shown = [...project.files].filter(([path]) => path.startsWith('examples/'));
      for (const [path, text] of shown)
        expect(readFileSync(join(root, path), 'utf8'), path).toBe(text);
      const programs = [...project.files.keys()].filter((path) => /^[\w.]+\.ts$/.test(path));
      const program = programs.find((path) => /^host\.ts$|\.test\.ts$/.test(path));
      // A page without a program of its own shows one that its test in `test/examples` runs.
      if (program === undefined) return expect(shown.length).toBeGreaterThan(0);

      const folder = mkdtempSync(join(root, 'test/docs/.guide-'));
      try {
        await buildProject(folder, project);
        const { stdout, stderr, status } = run(folder, program);
        expect([status, stderr, stdout]).toEqual([0, '', project.prints ?? expect.any(String)]);
        for (const other of programs.filter((one) => one !== program)) {
          const more = run(folder, other);
          expect([other, more.status, more.stderr]).toEqual([other, 0, '']);
        }
        const compiled = run(
          folder,
          join(root, 'node_modules/typescript/bin/tsc'),
          ...['--noEmit', '--ignoreConfig', '--strict', '--skipLibCheck', '--target', 'es2023'],
          ...['--lib', 'es2023,esnext.disposable,dom', '--module', 'nodenext', '--types', 'node'],
          ...['--allowImportingTsExtensions', ...programs],
          ...[...project.files.keys()].filter((path) => path.endsWith('src/index.ts')),
        );
        expect([compiled.status, compiled.stdout]).toEqual([0, '']);
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
    90_000,
  );
});
