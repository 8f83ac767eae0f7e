/** What Node loads: bundles of the same modules that everything else gets. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { BUNDLED_FOR_NODE, nodeEntries } from '../../scripts/node-entries.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

it.each(BUNDLED_FOR_NODE)('each entry of %s exports the same from its bundle', async (folder) => {
  const entries = nodeEntries(folder);
  expect(entries.length).toBeGreaterThan(5);
  for (const { specifier, module, bundle } of entries) {
    expect(bundle, specifier).toBeDefined();
    const [bundled, plain] = await Promise.all(
      [bundle as string, module].map((file) => import(/* @vite-ignore */ file)),
    );
    expect(Object.keys(bundled).sort(), specifier).toEqual(Object.keys(plain).sort());
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
