/** What plugins throw and answer can't be read: it fails their call, and nothing of the host. */
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { rejection, type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

/** Each trap throws, or only those that something looks at first. */
const HOSTILE = `const no = () => { throw new Error('trap'); };
  const traps = ['get', 'has', 'getPrototypeOf', 'ownKeys', 'getOwnPropertyDescriptor'];
  const hostile = (names) => new Proxy(new Error('bait'), Object.fromEntries(names.map((name) => [name, no])));
  const late = (key) => new Proxy({}, { get: (_, name) => name === key ? no() : undefined });`;

const plugin = pluginOf(
  'test.hostile',
  `${HOSTILE}
   const kinds = [traps, ...traps.map((name) => [name])];
   ctx.commands.handle('count', () => kinds.length);
   ctx.commands.handle('throw', (n) => { throw hostile(kinds[n]); });
   ctx.commands.handle('reject', async (n) => { await null; throw hostile(kinds[n]); });
   ctx.commands.handle('late', async (_, call) => {
     await new Promise((resolve) => call.signal.addEventListener('abort', resolve));
     return late(Symbol.asyncIterator);
   });
   ctx.events.on('host:tell', () => { throw hostile(traps); });
   ctx.events.on('host:tell', async () => { await null; throw hostile(traps); });
   ctx.commands.handle('fine', () => 'fine');`,
  { permissions: { events: { subscribe: ['host:*'] } } },
);

for (const setting of [
  { isolation: 'worker', createHost },
  { isolation: 'inline' },
] satisfies Setting[])
  describe(`${runtime} ${setting.isolation}: thrown values that can't be read`, () => {
    const start = async () => {
      const kernel = await startKernel(setting, [plugin]);
      const run = (command: string, input?: unknown, options = {}) =>
        kernel.commands.execute(`test.hostile:${command}`, input, options);
      return { kernel, run };
    };

    it('fail their call alone, at once or later', async () => {
      const { run } = await start();
      const count = (await run('count')) as number;
      for (const command of ['throw', 'reject'])
        for (let n = 0; n < count; n++)
          expect(await rejection(run(command, n)), `${command} ${n}`).toMatchObject({
            plugin: 'test.hostile',
          });
      expect(await run('fine')).toBe('fine');
    });

    it('harm nothing when the caller has gone, or when a listener throws them', async () => {
      const { kernel, run } = await start();
      const caller = new AbortController();
      const late = rejection(run('late', undefined, { signal: caller.signal }));
      await run('fine');
      caller.abort();
      expect(await late).toMatchObject({ code: 'call/cancelled' });
      await kernel.events.emit('host:tell', 1);
      expect(await run('fine')).toBe('fine');
    });
  });
