/** The examples of docs/testing.md run as they are written, and are checked by the compiler. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(join(root, 'docs/testing.md'), 'utf8');

it("docs/testing.md's tests pass as they are written", () => {
  const [notes = '', ...tests] = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map(
    (match) => match[1] as string,
  );
  expect(tests.length).toBeGreaterThan(4);
  const folder = mkdtempSync(join(root, 'test/docs/.testing-'));
  try {
    writeFileSync(join(folder, 'notes.ts'), notes);
    for (const [index, text] of tests.entries())
      writeFileSync(join(folder, `part-${index}.test.ts`), text);
    const files = tests.map((_, index) => `part-${index}.test.ts`);
    // A runner inside of a runner would only report to the outer one.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const { stdout, status } = spawnSync(process.execPath, ['--test', ...files], {
      cwd: folder,
      env,
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect(status, stdout).toBe(0);
    expect(stdout).toContain(`pass ${[...page.matchAll(/^test\(/gm)].length}`);
    const flags = ['--noEmit', '--ignoreConfig', '--strict', '--skipLibCheck'];
    const compiled = spawnSync(
      process.execPath,
      [
        join(root, 'node_modules/typescript/bin/tsc'),
        ...flags,
        ...['--target', 'es2024', '--lib', 'es2024,esnext.disposable,dom'],
        ...['--module', 'nodenext', '--allowImportingTsExtensions', '--types', 'node', ...files],
      ],
      { cwd: folder, encoding: 'utf8', timeout: 60_000 },
    );
    expect([compiled.status, compiled.stdout]).toEqual([0, '']);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 130_000);
