/**
 * Functors in hardened JavaScript: of the same bundles as elsewhere, and of real ones, in walled
 * guests.
 */

import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeHost } from '@plinth/host-node';
import type { ManifestInput } from '@plinth/sdk/contract';
import { toFunctor } from '@plinth/sdk/pack';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { full } from '../support/full.ts';
import { startKernel } from '../support/kernels.ts';
import { bundleOf } from '../support/plugins.ts';
import { same, shown } from './functor-cases.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

it('in hardened JavaScript each bundle exports the same as a module', async () => {
  const child = spawn(
    process.execPath,
    ['--no-warnings', join(root, 'test/sdk/functor-child.ts')],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let text = '';
  for await (const chunk of child.stdout) text += chunk;
  const found = new Map(JSON.parse(text) as [string, string][]);
  for (const [what, code] of same) {
    const module = (await import(
      /* @vite-ignore */ `data:text/javascript;charset=utf-8,${encodeURIComponent(code)}`
    )) as { default?: unknown };
    expect.soft(found.get(what), what).toBe(await shown(module.default));
  }
});

/** Plugins that bundle much third-party code. */
const PLUGINS = {
  valibot: `
    import * as v from 'valibot';
    const Order = v.object({ email: v.pipe(v.string(), v.email()), count: v.pipe(v.number(), v.integer(), v.minValue(1)), at: v.optional(v.pipe(v.string(), v.isoDate())) });
    const all = Object.keys(v).length;
    export default { activate(ctx) { ctx.commands.handle('check', (input) => { const { success, issues } = v.safeParse(Order, input); return { all: all > 100, success, issues: issues?.map(({ message }) => message) ?? [] }; }); } };`,
  zod: `
    import * as z from 'zod';
    const Order = z.object({ email: z.email(), count: z.int().min(1), at: z.iso.date().optional() });
    const all = Object.keys(z).length;
    export default { activate(ctx) { ctx.commands.handle('check', (input) => { const { success, error } = Order.safeParse(input); return { all: all > 100, success, issues: error?.issues.map(({ message }) => message) ?? [] }; }); } };`,
};

describe('real bundles', () => {
  let folder = '';
  const bundles: [what: string, code: string, manifest: ManifestInput][] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(root, 'test/sdk/.functor-'));
    for (const [name, code] of Object.entries(PLUGINS)) {
      await mkdir(join(folder, name));
      await writeFile(join(folder, name, 'index.js'), code);
      for (const minify of [false, true]) {
        const result = await build({
          configFile: false,
          logLevel: 'warn',
          root: join(folder, name),
          build: {
            write: false,
            target: 'es2023',
            minify,
            lib: { entry: join(folder, name, 'index.js'), formats: ['es'] },
            rolldownOptions: { output: { codeSplitting: false, minify } },
          },
        });
        const output = (Array.isArray(result) ? result : [result]).flatMap((one) =>
          'output' in one ? [...one.output] : [],
        );
        const [chunk] = output.flatMap((one) => (one.type === 'chunk' ? [one.code] : []));
        bundles.push([
          `${name}${minify ? ', minified' : ''}`,
          chunk as string,
          {
            id: `test.${name}`,
            version: '1.0.0',
            main: 'plugin.js',
            engines: { plinth: '^1.0.0' },
          },
        ]);
      }
    }
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(['valibot', 'valibot, minified', 'zod', 'zod, minified'])(
    '%s behaves behind the wall as in a worker',
    async (name) => {
      const [, code, manifest] = bundles.find(
        ([what]) => what === name,
      ) as (typeof bundles)[number];
      const answers = await Promise.all(
        (['worker', 'sandbox'] as const).map(async (isolation) => {
          const kernel = await startKernel({ isolation, createHost: nodeHost }, [
            { manifest, code },
          ]);
          const check = (input: unknown) => kernel.commands.execute(`${manifest.id}:check`, input);
          return [
            await check({ email: 'a@b.example', count: 2, at: '2026-11-21' }),
            await check({ email: 'no address', count: 0.5, at: 'soon' }),
          ];
        }),
      );
      expect(answers[1]).toEqual(answers[0]);
      expect(answers[1]).toMatchObject([
        { all: true, success: true, issues: [] },
        { success: false, issues: expect.arrayContaining([expect.stringContaining('email')]) },
      ]);
    },
  );

  it('the plugins of the demo start behind the wall, and answer', async () => {
    const from = join(root, 'demo-app/dist/plugins');
    const names = (await readdir(from)).filter((name) => name !== 'rogue');
    const packages = await Promise.all(
      names.map(async (name) => ({
        manifest: JSON.parse(
          await readFile(join(from, name, 'plugin.json'), 'utf8'),
        ) as ManifestInput,
        code: await readFile(join(from, name, 'plugin.js'), 'utf8'),
      })),
    );
    const kernel = await startKernel({ isolation: 'sandbox', createHost: nodeHost }, packages);
    expect(kernel.plugins.list().map(({ id, state }) => `${id} ${state}`)).toEqual(
      names.map((name) => `demo.${name} active`),
    );
    expect(await kernel.commands.execute('demo.notes:add', { text: '**milk**' })).toMatchObject({
      id: expect.any(String),
    });
    expect(await kernel.messaging.route('2 * (3 + 4)')).toEqual({ result: 14 });
  });

  it('takes linear time in the length of a bundle', () => {
    const [, code] = bundles.find(([what]) => what === 'zod') as (typeof bundles)[number];
    const inner = code.replace(/export\s*(?:\{[^}]*\}|default)/, 'void ');
    const long = (times: number) =>
      Array.from({ length: times }, (_, index) => `const part${index} = () => {${inner}\n};`).join(
        '\n',
      );
    const rounds = Array.from({ length: full ? 6 : 3 }, () =>
      [long(1), long(4)].map((text) => processorTime(() => toFunctor(text, 'test'))),
    );
    const [once, often] = [0, 1].map((at) => Math.min(...rounds.map((one) => one[at] as number)));
    // Linear is four times as long, and quadratic sixteen times.
    expect(often).toBeLessThan(9 * (once as number) + 20);
  });
});

/** Milliseconds of the processor, which other processes don't lengthen. */
function processorTime(run: () => unknown): number {
  const start = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1_000;
}

it('an error names the file that could not be loaded, and the reason', async () => {
  const kernel = await startKernel({ isolation: 'sandbox', createHost: nodeHost }, [
    bundleOf('test.imports', "import fs from 'node:fs'; export default { activate() {} }"),
    bundleOf('test.evals', 'export default { activate() { eval("1") } }'),
    bundleOf('test.open', 'export default { activate() { '),
    bundleOf('test.out', 'export default { activate() {} } }); globalThis.out = 1; ({'),
  ]);
  const explain = (id: string) => kernel.plugins.explain(id).error;
  expect(explain('test.imports')).toMatchObject({
    code: 'plugin/load-failed',
    message: expect.stringMatching(
      /test\.imports\/plugin\.js threw while loading: it imports 'node:fs': a plugin reaches its runtime through ctx/,
    ),
  });
  for (const id of ['test.evals', 'test.open', 'test.out'])
    expect(explain(id)).toMatchObject({
      code: 'plugin/load-failed',
      message: expect.stringContaining(id),
    });
  expect(explain('test.evals')?.message).toContain('eval');
});
