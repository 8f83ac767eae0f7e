/** One tab: counts in storage that it shares with every other tab of the origin. */
import { createKernel, indexedDBStorage, packageSource } from '@plinth/host-browser';

const code = `export default { activate(ctx) {
  ctx.commands.handle('count', async (times) => { for (let i = 0; i < times; i++) await ctx.storage.update('n', (n = 0) => n + 1); });
  ctx.commands.handle('read', () => ctx.storage.get('n'));
} }`;
const manifest = {
  id: 'test.counter',
  version: '1.0.0',
  main: 'plugin.js',
  engines: { plinth: '^1.0.0' },
  permissions: { storage: { read: true, write: true } },
};

const tab = {
  /** How many of the endless writes have finished. */
  written: 0,
  /** Counts in the adapter until the tab is closed, several at a time. */
  async endless(width: number): Promise<never> {
    const storage = indexedDBStorage('tabs-adapter');
    const writeOn = async (): Promise<never> => {
      for (;;) {
        await storage.update('n', (n) => ((n as number | undefined) ?? 0) + 1);
        tab.written += 1;
      }
    };
    return (await Promise.all(Array.from({ length: width }, writeOn)))[0] as never;
  },
  /** Counts in the adapter, everything at once. */
  async adapter(times: number): Promise<unknown> {
    const storage = indexedDBStorage('tabs-adapter');
    await Promise.all(
      Array.from({ length: times }, () =>
        storage.update('n', (n) => ((n as number | undefined) ?? 0) + 1),
      ),
    );
    const count = await storage.get('n');
    await storage.close();
    return count;
  },
  /** Counts in a plugin's storage, one after the other. */
  async plugin(times: number): Promise<unknown> {
    const kernel = await createKernel({
      sources: [packageSource([{ manifest, code }])],
      data: 'tabs-plugin',
    });
    await kernel.start();
    await kernel.commands.execute('test.counter:count', times, { timeout: 60_000 });
    const count = await kernel.commands.execute('test.counter:read');
    await kernel.stop();
    return count;
  },
};
export type Tab = typeof tab;
Object.assign(globalThis, { tab });
