/** Compiles the lines that must compile, and checks that the marked ones don't. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));
const tsc = (...args: string[]) =>
  spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...args], {
    cwd: root,
    encoding: 'utf8',
  });

/** A new folder below the root, where packages are found and where no other test looks for files. */
const newFolder = (): string => {
  const cache = join(root, '.cache');
  mkdirSync(cache, { recursive: true });
  return mkdtempSync(join(cache, 'types-'));
};

it('the public surface infers types, and refuses invalid code', () => {
  expect(tsc('-p', here).stdout).toBe('');
});

it("a plugin's project has the globals of plugins, and nothing of a page or a process", () => {
  const folder = newFolder();
  try {
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ extends: '@plinth/sdk/tsconfig.plugin.json', include: ['*.ts'] }),
    );
    writeFileSync(
      join(folder, 'good.ts'),
      `import { definePlugin } from '@plinth/sdk';
       export default definePlugin({
         async activate(ctx) {
           console.table([{ a: 1 }], ['a']);
           const timer = setTimeout((n: number) => console.log(n), 10, 1);
           clearTimeout(timer);
           const controller = new AbortController();
           ctx.signal.addEventListener('abort', () => controller.abort(ctx.signal.reason), { once: true });
           const text = await (await ctx.fetch(new URL('https://example.com/'), { signal: controller.signal, headers: new Headers({ a: 'b' }) })).text();
           const id: string = crypto.randomUUID();
           for await (const chunk of new Blob([text]).stream().pipeThrough(new TextDecoderStream())) console.log(chunk.length, id, performance.now());
           const bytes = new TextEncoder().encode(text);
           await ctx.storage.set('hash', await crypto.subtle.digest('SHA-256', bytes));
           new EventTarget().dispatchEvent(new CustomEvent('x', { detail: 1 }));
           return globalThis.structuredClone({ bytes });
         },
       });`,
    );
    expect(tsc('-p', folder).stdout).toBe('');
    const names = [
      'process',
      'document',
      'window',
      'fetch',
      'localStorage',
      'require',
      'Buffer',
      'navigator',
      'XMLHttpRequest',
      'WebSocket',
      'Worker',
      'setImmediate',
      'Response',
    ];
    writeFileSync(
      join(folder, 'bad.ts'),
      `export const seen = [${names.map((name) => `${name}`).join(', ')}, globalThis.process];\nimport 'node:fs';\n`,
    );
    const { stdout } = tsc('-p', folder);
    for (const name of names) expect(stdout).toContain(`'${name}'`);
    expect(stdout.match(/error TS/g)?.length).toBeGreaterThanOrEqual(names.length + 1);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('sdk and kernel compile without the types of a runtime', () => {
  for (const workspace of ['sdk', 'kernel']) {
    const { compilerOptions } = JSON.parse(
      readFileSync(join(root, workspace, 'tsconfig.json'), 'utf8'),
    ) as { compilerOptions: { lib: string[]; types: string[] } };
    expect(compilerOptions).toEqual({ lib: ['ES2023', 'ESNext.Disposable'], types: [] });
  }
  const folder = newFolder();
  try {
    writeFileSync(
      join(folder, 'gate.ts'),
      'export const seen = [typeof process, typeof window, typeof Worker, typeof indexedDB, typeof document, typeof Buffer, typeof navigator];\n',
    );
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
    const globals = ['process', 'window', 'Worker', 'indexedDB', 'document', 'Buffer', 'navigator'];
    for (const name of globals) expect(stdout).toContain(`'${name}'`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
