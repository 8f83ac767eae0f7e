/** Options that an operator sets in the environment of the process. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createKernel } from '@plinth/host-node';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { keep, rejection } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plinth-environment-'));
  for (const [place, id] of [
    ['one', 'test.one'],
    ['two', 'test.two'],
  ] as const) {
    const { manifest, code } = pluginOf(id, `ctx.logger.info('hello');`);
    await mkdir(join(folder, place, id), { recursive: true });
    await writeFile(join(folder, place, id, 'plugin.json'), JSON.stringify(manifest));
    await writeFile(join(folder, place, id, 'plugin.js'), code);
  }
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

const running = async (options: Parameters<typeof createKernel>[0] = {}) => {
  // All plugins of a slow disk are known after the start, too.
  const kernel = keep(await createKernel({ limits: { discover: 30_000 }, ...options }));
  await kernel.start();
  return kernel.plugins.list({ state: 'active' }).map(({ id }) => id);
};

describe('the environment', () => {
  it('names the folders of plugins, unless the application does', async () => {
    vi.stubEnv('PLUGINS_DIR', [join(folder, 'one'), join(folder, 'two')].join(delimiter));
    expect(await running()).toEqual(['test.one', 'test.two']);
    expect(await running({ plugins: join(folder, 'two') })).toEqual(['test.two']);
    expect(await running({ sources: [] })).toEqual([]);
  });

  it('allows plugins, unless the application does', async () => {
    vi.stubEnv('PLUGINS_DIR', [join(folder, 'one'), join(folder, 'two')].join(delimiter));
    vi.stubEnv('PLUGINS_ALLOW', 'test.two, com.example.*');
    expect(await running()).toEqual(['test.two']);
    expect(await running({ policy: { allow: ['test.one'] } })).toEqual(['test.one']);
    vi.stubEnv('PLUGINS_ALLOW', '');
    expect(await running()).toEqual([]);
  });

  it('sets what is printed', async () => {
    const info = vi.spyOn(console, 'info').mockImplementation(() => {});
    vi.stubEnv('PLUGINS_DIR', join(folder, 'one'));
    await running();
    expect(info).not.toHaveBeenCalled();
    vi.stubEnv('PLUGINS_LOG_LEVEL', 'info');
    await running();
    expect(info).toHaveBeenCalledWith(expect.stringContaining('hello'));
  });

  it('refuses what makes no sense, by the name of the variable', async () => {
    for (const [name, value] of [
      ['PLUGINS_ALLOW', 'a b'],
      ['PLUGINS_LOG_LEVEL', 'loud'],
    ] as const) {
      vi.stubEnv(name, value);
      expect(await rejection(createKernel())).toMatchObject({
        code: 'kernel/invalid-option',
        details: { option: name },
      });
      vi.unstubAllEnvs();
    }
  });
});
