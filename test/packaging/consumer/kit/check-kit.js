/** What each test runner runs: every part of the test kit once. */
import { definePlugin } from '@plinth/sdk';
import {
  createTestContext,
  createTestKernel,
  faults,
  reportText,
  testPlugin,
} from '@plinth/sdk/testing';

const counter = definePlugin({
  activate(ctx) {
    ctx.commands.handle('count', () => ctx.storage.update('count', (n) => (n ?? 0) + 1));
    // Values of every kind that runners with realms of their own could take for another's.
    ctx.commands.handle('values', () => [
      new Set([1]),
      /a/g,
      new RangeError('no'),
      new Uint8Array(2),
    ]);
    ctx.commands.handle('list', (input) => ({
      list: [input],
      map: new Map([['key', new Date(5)]]),
    }));
  },
});
const manifest = {
  id: 'com.example.counter',
  version: '1.0.0',
  main: 'plugin.js',
  engines: { plinth: '^1.0.0' },
  permissions: { storage: { read: true, write: true } },
};
const code = `export default {
  activate(ctx) {
    ctx.commands.handle('count', () => ctx.storage.update('count', (n) => (n ?? 0) + 1));
  },
};`;

export async function checkKit() {
  const plugins = [{ manifest, plugin: counter }];
  {
    await using kernel = await createTestKernel({ plugins, clock: { now: 0 } });
    equal(await kernel.commands.execute('com.example.counter:count'), 1);
    const { list, map } = await kernel.commands.execute('com.example.counter:list', { a: 1 });
    equal([list, map.get('key').getTime()], [[{ a: 1 }], 5]);
    const kinds = await kernel.commands.execute('com.example.counter:values');
    equal(
      [Set, RegExp, RangeError, Uint8Array].map((kind, index) => kinds[index] instanceof kind),
      [true, true, true, true],
    );
    equal(await kernel.storageOf('com.example.counter'), { count: 1 });
    using _slow = faults.slow(kernel, 'com.example.counter:*', { ms: 1_000 });
    const counted = kernel.commands.execute('com.example.counter:count');
    await kernel.clock.advance(1_000);
    equal([await counted, Date.now()], [2, 1_000]);
  }
  {
    await using kernel = await createTestKernel({ plugins: [{ manifest, code }] });
    equal(await kernel.commands.execute('com.example.counter:count'), 1);
  }
  {
    await using context = await createTestContext({ plugin: counter });
    await counter.activate(context);
    equal([context.handlers, await context.invoke('count')], [['count', 'values', 'list'], 1]);
  }
  const report = await testPlugin(
    { manifest, code },
    { samples: { count: [undefined] }, previous: { manifest, code } },
  );
  const failed = report.checks.filter(({ ok }) => !ok).map(({ id }) => id);
  // The same version is no update.
  equal(failed, ['compatibility/update'], reportText(report));
}

function equal(found, expected, more = '') {
  const [one, other] = [found, expected].map((value) => JSON.stringify(value));
  if (one !== other) throw new Error(`${one} is not ${other} ${more}`);
}
