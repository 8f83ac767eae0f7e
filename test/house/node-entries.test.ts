/** What Node loads: bundles of the same modules that everything else gets. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Entry {
  readonly name: string;
  readonly node: string | undefined;
  readonly module: string;
}

async function entriesOf(folder: string): Promise<readonly Entry[]> {
  const { exports } = JSON.parse(await readFile(`${root}${folder}/package.json`, 'utf8')) as {
    readonly exports: Record<string, { readonly node?: string; readonly default?: string }>;
  };
  return Object.entries(exports).flatMap(([name, { node, default: module }]) =>
    module?.endsWith('.js') ? [{ name, node, module }] : [],
  );
}

it.each(['kernel', 'sdk'])('each entry of %s exports the same from its bundle', async (folder) => {
  const entries = await entriesOf(folder);
  expect(entries.length).toBeGreaterThan(5);
  for (const { name, node, module } of entries) {
    expect(node, name).toBeDefined();
    const [bundle, plain] = await Promise.all(
      [node as string, module].map((file) => import(/* @vite-ignore */ `${root}${folder}/${file}`)),
    );
    expect(Object.keys(bundle).sort(), name).toEqual(Object.keys(plain).sort());
  }
});

it('a kernel starts in Node from few files, and without its HTTP', async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '--eval', COUNT],
    { cwd: root },
  );
  const loaded = JSON.parse(stdout) as readonly string[];
  expect(loaded.length).toBeGreaterThan(20);
  expect(loaded.length).toBeLessThanOrEqual(200);
  expect(loaded).not.toContain('node:http');
});

const COUNT = `
  import { registerHooks } from 'node:module';
  const loaded = [];
  registerHooks({
    load(url, context, next) {
      loaded.push(url);
      return next(url, context);
    },
  });
  const { createKernel } = await import('@plinth/host-node');
  const kernel = await createKernel({});
  await kernel.start();
  await kernel.stop();
  console.log(JSON.stringify(loaded));
`;
