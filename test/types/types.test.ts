/** Compiles what must compile and checks that what must not does not. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));
const tsc = (...args: string[]) => spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...args], { cwd: root, encoding: 'utf8' });

it('the public surface infers, and refuses what is wrong', () => {
  expect(tsc('-p', here).stdout).toBe('');
});

it('sdk and kernel cannot see a runtime', () => {
  for (const workspace of ['sdk', 'kernel']) {
    const folder = mkdtempSync(join(root, workspace, 'src', 'gate-'));
    try {
      writeFileSync(
        join(folder, 'gate.ts'),
        'export const seen = [typeof process, typeof window, typeof Worker, typeof indexedDB, typeof document, typeof Buffer, typeof navigator];\n',
      );
      const { compilerOptions } = JSON.parse(readFileSync(join(root, workspace, 'tsconfig.json'), 'utf8')) as { compilerOptions: { lib: string[]; types: string[] } };
      expect(compilerOptions).toEqual({ lib: ['ES2023', 'ESNext.Disposable'], types: [] });
      const globals = ['process', 'window', 'Worker', 'indexedDB', 'document', 'Buffer', 'navigator'];
      const { stdout } = tsc(
        '--noEmit',
        '--ignoreConfig',
        '--lib',
        'ES2023,ESNext.Disposable',
        '--types',
        '',
        '--module',
        'NodeNext',
        join(folder, 'gate.ts'),
        join(root, 'sdk/globals.d.ts'),
      );
      for (const name of globals) expect(stdout).toContain(`'${name}'`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
});
