/** The Vite plugin in Node: what an author builds, and what a program imports. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Kernel } from '@plinth/host-node';
import { build, createLogger, createServer, createServerModuleRunner } from 'vite';
import { expect, it, onTestFinished } from 'vitest';
import { hotSwap } from '../../cli/dist/vite/client.js';
import { plinthPlugin } from '../../cli/dist/vite/index.js';
import { filesOf, folderOf, GREETER, plinth, write } from './plinth.ts';

const source = (word: string) => `import { definePlugin } from '@plinth/sdk';
let lives = 0;
export default definePlugin({
  activate(ctx) {
    lives += 1;
    ctx.commands.handle('say', () => \`${word} \${lives}\`);
  },
  getState: () => lives,
  restoreState: (state) => void (lives = Number(state)),
});
`;
const manifest = {
  id: 'com.example.one',
  version: '1.0.0',
  contributes: { commands: [{ id: 'say' }] },
};

it('`vite build` in the folder of a plugin writes what `plinth bundle` writes', async () => {
  const folder = await folderOf(GREETER);
  await plinth(folder, ['bundle', '--out', 'other/plugin']);
  const built = { configFile: false, root: folder, logLevel: 'silent' } as const;
  await build({ ...built, plugins: [plinthPlugin()] });
  const files = await filesOf(join(folder, 'dist'));
  expect(files).toEqual(await filesOf(join(folder, 'other')));
  expect(files).toHaveLength(6);
  for (const file of files)
    expect(await readFile(join(folder, 'dist', file))).toEqual(
      await readFile(join(folder, 'other', file)),
    );

  await write(folder, { 'src/index.ts': 'export default {' });
  await expect(build({ ...built, plugins: [plinthPlugin()] })).rejects.toThrow(/src\/index\.ts:1:/);
  expect(await filesOf(join(folder, 'dist'))).toEqual(files);
});

it('a program imports a plugin, which is swapped with its state after a save', async () => {
  const folder = await folderOf({
    'plugins/one/plugin.json': manifest,
    'plugins/one/src/index.ts': source('first'),
    'app/main.ts': `import { hotSwap } from '@plinth/cli/vite/client';
import { createKernel } from '@plinth/host-node';
import one from 'plinth:../plugins/one';

export const kernel = await createKernel({ sources: [one] });
hotSwap(kernel, one);
await kernel.start();
`,
  });
  const told: string[] = [];
  let tell = () => {};
  const logger = createLogger('silent');
  logger.info = logger.error = (text) => {
    told.push(text);
    tell();
  };
  const next = async (words: string) => {
    while (!told.some((text) => text.includes(words)))
      await new Promise<void>((resolve) => {
        tell = resolve;
      });
  };
  const server = await createServer({
    configFile: false,
    root: folder,
    customLogger: logger,
    server: { middlewareMode: true, ws: false },
    appType: 'custom',
    plugins: [plinthPlugin()],
  });
  onTestFinished(() => server.close());
  const runner = createServerModuleRunner(server.environments.ssr);
  onTestFinished(() => runner.close());
  const { kernel } = (await runner.import('/app/main.ts')) as { readonly kernel: Kernel };
  onTestFinished(() => kernel.stop());
  const stranger = { async *discover() {} };
  expect(() => hotSwap(kernel, stranger)).toThrow(/imported with 'plinth:'/);
  const say = () => kernel.commands.execute('com.example.one:say');
  expect(await say()).toBe('first 1');
  await write(folder, { 'plugins/one/src/index.ts': source('second') });
  await next('swapped com.example.one 1.0.0');
  expect(await say()).toBe('second 2');
  await write(folder, { 'plugins/one/src/index.ts': 'export default {' });
  await next('src/index.ts:1:');
  expect(await say()).toBe('second 2');
});

it('an import that names no plugin is refused with the cure', async () => {
  const folder = await folderOf({ 'main.ts': "import 'plinth:./none';\n" });
  const built = { configFile: false, root: folder, logLevel: 'silent' } as const;
  const of = (input: string) =>
    build({
      ...built,
      plugins: [plinthPlugin()],
      build: { write: false, rolldownOptions: { input } },
    });
  await expect(of(join(folder, 'main.ts'))).rejects.toThrow(/plugin\.json/);
  await write(folder, { 'main.ts': "import 'plinth:none';\n" });
  await expect(of(join(folder, 'main.ts'))).rejects.toThrow(/begins with '\.\/' or '\.\.\/'/);
});
