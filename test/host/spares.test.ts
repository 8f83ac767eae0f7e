/**
 * Warm spares: a plugin starts in a ready one, a new one is created, and stopping leaves none
 * behind.
 */

import { expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { has } from '../matrix/gaps.ts';
import { rejection, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const lazy = (id: string) =>
  pluginOf(id, `ctx.commands.handle('ping', () => ctx.plugin.id);`, { activation: [] });

const wall = await has('wall');

for (const isolation of ['worker', 'process', 'sandbox'] as const) {
  it.skipIf(isolation !== 'worker' && !wall)(
    `${runtime} ${isolation}: a spare is used for the next plugin, of any id, and replaced`,
    async () => {
      const host = createHost({ spares: 1 });
      const launched: object[] = [];
      const counted = {
        ...host,
        launch: async (request: Parameters<typeof host.launch>[0]) => {
          const guest = await host.launch(request);
          launched.push(guest.endpoint);
          return guest;
        },
      };
      const kernel = await startKernel({ isolation, createHost: () => counted }, [
        lazy('test.a'),
        lazy('test.b'),
        lazy('test.c'),
      ]);
      for (const id of ['test.a', 'test.b', 'test.c']) {
        await kernel.plugins.activate(id);
        expect(await kernel.commands.execute(`${id}:ping`)).toBe(id);
      }
      expect(new Set(launched).size).toBe(3);
      await kernel.plugins.reload('test.b');
      expect(await kernel.commands.execute('test.b:ping')).toBe('test.b');
    },
  );
}

it(`${runtime}: an invalid number of spares is refused`, async () => {
  expect((await rejection((async () => createHost({ spares: -1 }))())).code).toBe(
    'kernel/invalid-option',
  );
});
