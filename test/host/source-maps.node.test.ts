/**
 * Source maps as bundlers write them: linked from a folder, minified on one line; and unusable
 * maps.
 */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { directorySource, nodeHost } from '@plinth/host-node';
import { createKernel, type KernelOptions, type PluginSource } from '@plinth/kernel';
import { build } from 'rolldown';
import { afterAll, describe, expect, it } from 'vitest';
import { rejection } from '../support/kernels.ts';

const root = await mkdtemp(join(tmpdir(), 'plinth-maps-'));
afterAll(() => rm(root, { recursive: true }));

const SOURCES = {
  'index.ts': `import { explode } from './deep/explode';
export default {
  activate(ctx: { commands: { handle(name: string, run: (input: number) => unknown): void } }) {
    ctx.commands.handle('boom', (input) => explode(input));
  },
};
`,
  'deep/explode.ts': `/** Not of much use. */
export function explode(times: number): never {
  const parts: string[] = [];
  for (let n = 0; n < times; n++) parts.push(String(n));
  throw new RangeError(\`in \${parts.length} parts\`);
}
`,
};
const manifest = {
  id: 'test.mapped',
  version: '1.0.0',
  main: 'dist/plugin.js',
  engines: { plinth: '^1.0.0' },
};

async function folderWith(sourcemap: boolean | 'inline', minify: boolean): Promise<string> {
  const folder = join(await mkdtemp(join(root, 'plugins-')), 'mapped');
  for (const [name, text] of Object.entries(SOURCES)) {
    await mkdir(join(folder, 'src', name, '..'), { recursive: true });
    await writeFile(join(folder, 'src', name), text);
  }
  await build({
    input: join(folder, 'src/index.ts'),
    output: { file: join(folder, 'dist/plugin.js'), format: 'es', sourcemap, minify },
    logLevel: 'silent',
  });
  await writeFile(join(folder, 'plugin.json'), JSON.stringify(manifest));
  return join(folder, '..');
}

const run = async (source: PluginSource, options: KernelOptions) => {
  const kernel = await createKernel({
    host: nodeHost(),
    telemetry: { log: false },
    // All plugins of a slow disk are known after the start, too.
    limits: { discover: 30_000 },
    ...options,
    sources: [source],
  });
  await kernel.start();
  return kernel;
};

describe.each(['inline', 'worker', 'process', 'sandbox'] as const)(
  '%s: a source map',
  (isolation) => {
    it.each([
      ['linked', true, false],
      ['linked, of one line', true, true],
      ['inline, of one line', 'inline', true],
    ] as const)('that is %s gives the line in the source', async (_, sourcemap, minify) => {
      const kernel = await run(directorySource(await folderWith(sourcemap, minify)), { isolation });
      const error = await rejection(kernel.commands.execute('test.mapped:boom', 3));
      expect(error.message).toBe('in 3 parts');
      expect(error.stack).toMatch(/src\/deep\/explode\.ts:5:/);
      expect(error.stack).toMatch(/src\/index\.ts:4:/);
      expect(kernel.logger.recent('test.mapped').at(-1)?.fields?.stack).toMatch(
        /src\/deep\/explode\.ts:5:/,
      );
      await kernel.stop();
    });
  },
);

describe('a hostile source map', () => {
  /** Milliseconds for which the host's thread was blocked while an error was formatted. */
  const heldBy = async (text: string) => {
    const map = Buffer.from(text).toString();
    const source: PluginSource = {
      async *discover() {
        yield {
          origin: 'here',
          manifest,
          code: async (path: string) =>
            path === manifest.main
              ? "export default { activate(ctx) { ctx.commands.handle('boom', () => { throw new Error('boom'); }); } };\n//# sourceMappingURL=plugin.js.map"
              : map,
        };
      },
    };
    const kernel = await run(source, { isolation: 'worker' });
    let longest = 0;
    const worked = () => process.threadCpuUsage().user / 1_000;
    let last = worked();
    const timer = setInterval(() => {
      const now = worked();
      longest = Math.max(longest, now - last);
      last = now;
    }, 1);
    const error = await rejection(kernel.commands.execute('test.mapped:boom'));
    clearInterval(timer);
    expect(error.message).toBe('boom');
    await kernel.stop();
    return longest;
  };
  it.each([
    ['huge', `{"version":3,"sources":["a"],"mappings":"${'A'.repeat(30_000_000)}"}`],
    [
      'nothing but line ends',
      `{"version":3,"sources":["a"],"mappings":"${';'.repeat(4_100_000)}"}`,
    ],
    [
      'nothing but segments',
      `{"version":3,"sources":["a"],"mappings":"${'AAAA,'.repeat(820_000)}"}`,
    ],
    ['nested without end', `{"version":3,"sources":${'['.repeat(4_000_000)}`],
    [
      'lists without end',
      `{"version":3,"x":[${'[],'.repeat(2_000_000)}[]],"sources":["a"],"mappings":"AAAA"}`,
    ],
    ['backslashes without end', `{"version":3,"x":"${'\\'.repeat(8_000_000)}"}`],
    ['members without end', `{${'"a":1,'.repeat(1_000_000)}"sources":["a"],"mappings":"AAAA"}`],
    [
      'sources without end',
      `{"version":3,"sources":[${'"a",'.repeat(1_000_000)}"a"],"mappings":"AAAA"}`,
    ],
    [
      'numbers out of range',
      '{"version":3,"sources":["a"],"mappings":"ggggggggggggggggggggggggB;////////f,gggggggD"}',
    ],
  ])('%s is abandoned without blocking the host', async (_, map) => {
    expect(await heldBy(map)).toBeLessThan(60);
  });
});
