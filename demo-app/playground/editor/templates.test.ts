/** Every template is a valid plugin, compiles, and uses only what the SDK has. */
import { createKernel, packageOf } from '@plinth/kernel';
import { ui } from '@plinth/ui/host';
import { beforeAll, describe, expect, it } from 'vitest';
import { pluginModules } from '../../build/plugin-modules.ts';
import { sdkTable } from '../../build/sdk-table.ts';
import { problemsOf } from '../../testing/compile-problems.ts';
import { createHost } from '../../testing/host.node.ts';
import { parsedState } from '../../testing/parsed-state.ts';
import { compile, type PluginModules } from './compile.ts';
import { unknownMembers } from './completion.ts';
import { problemsOfManifest } from './manifest-check.ts';
import { TEMPLATES } from './templates.ts';

let modules: PluginModules;
beforeAll(async () => {
  modules = await pluginModules();
});

describe.each(TEMPLATES)('the template $id', ({ manifest, code }) => {
  it('has no problem', () => {
    expect(problemsOfManifest(manifest)).toEqual([]);
    expect(problemsOf(code, modules)).toEqual([]);
    expect(unknownMembers(sdkTable(), parsedState(code))).toEqual([]);
  });

  it('runs in a worker, and is replaced with its state', async () => {
    const present = { notify() {}, ask: async () => null };
    const kernel = await createKernel({
      host: createHost(),
      telemetry: { log: false },
      extensions: [ui({ slots: ['main'], present })],
    });
    await kernel.start();
    try {
      const found = packageOf({ manifest, code: compile(code, modules) });
      const id = await kernel.plugins.install(found);
      await kernel.plugins.activate(id);
      await kernel.plugins.reload(id, packageOf({ manifest, code: compile(code, modules) }));
      expect(kernel.plugins.get(id)?.state).toBe('active');
    } finally {
      await kernel.stop();
    }
  });
});
