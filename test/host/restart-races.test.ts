/** What else happens to a plugin while it waits for its restart, or in the turn in which it is back. */
import { type Kernel, type KernelOptions, packageOf } from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { nextEvent, rejection, startKernel } from '../support/kernels.ts';
import { CRASH, pluginOf } from '../support/plugins.ts';

const fragile = (version = '1.0.0') =>
  pluginOf('test.fragile', `${CRASH} ctx.commands.handle('version', () => ctx.plugin.version);`, {
    version,
    activation: ['startup', 'command:test.fragile:version'],
  });

/** The restart is due long after the test. */
const slow = { backoff: 60_000, maxBackoff: 60_000, heartbeat: 50, crashes: 2 };

const start = (supervision: NonNullable<KernelOptions['supervision']>, packages = [fragile()]) =>
  startKernel({ isolation: 'worker', createHost }, packages, { supervision });
const crash = (kernel: Kernel) => rejection(kernel.commands.execute('test.fragile:crash'));

/** Ends the guest, and waits until its restart is planned. */
async function crashed(kernel: Kernel): Promise<void> {
  const told = nextEvent(kernel, 'plugin:crashed');
  await crash(kernel);
  await told;
}

describe(`${runtime}: a plugin that waits for its restart`, () => {
  const begins: readonly [string, (kernel: Kernel) => Promise<unknown>, string][] = [
    [
      'is installed again',
      async (kernel) => {
        await kernel.plugins.uninstall('test.fragile');
        await kernel.plugins.install(packageOf(fragile()));
      },
      '1.0.0',
    ],
    [
      'is replaced by another version',
      (kernel) => kernel.plugins.update('test.fragile', packageOf(fragile('1.1.0'))),
      '1.1.0',
    ],
  ];
  it.for(begins)(
    'and %s has no crashes, and no restart is due for it',
    async ([, again, version]) => {
      const kernel = await start(slow);
      await crashed(kernel);
      expect(kernel.plugins.get('test.fragile')?.state).toBe('failed');
      await again(kernel);
      // No start by name, which would forget the crashes.
      expect(await kernel.commands.execute('test.fragile:version')).toBe(version);
      // With the crash before it this would be the second, which quarantines.
      await crashed(kernel);
      expect(kernel.plugins.explain('test.fragile').because).not.toMatch(/quarantined/);
    },
  );

  it('and is uninstalled leaves nothing that starts it, or what has its id later', async () => {
    const kernel = await start({ ...slow, backoff: 30, maxBackoff: 30 }, [
      fragile(),
      pluginOf('test.other', CRASH),
    ]);
    await crashed(kernel);
    await kernel.plugins.uninstall('test.fragile');
    await kernel.plugins.install(packageOf(fragile()));
    await kernel.plugins.deactivate('test.fragile');
    // The restart of another plugin comes after the time at which this one's was due.
    const restarted = nextEvent(kernel, 'plugin:restarted');
    await rejection(kernel.commands.execute('test.other:crash'));
    expect(await restarted).toMatchObject({ id: 'test.other' });
    expect(kernel.plugins.get('test.fragile')?.state).not.toBe('active');
  });
});

describe(`${runtime}: a plugin that has been restarted`, () => {
  it('and crashes in the same turn is restarted again', async () => {
    const kernel = await start({ backoff: 20, heartbeat: 50, crashes: 5 }, [
      pluginOf(
        'test.fragile',
        `const n = ((await ctx.storage.get('n')) ?? 0) + 1;
         await ctx.storage.set('n', n);
         ${CRASH} ctx.commands.handle('starts', () => n);
         if (n === 2 || n === 3) setTimeout(() => { throw new Error('gone again'); }, 0);`,
        { permissions: { storage: { read: true, write: true } } },
      ),
    ]);
    expect(await kernel.commands.execute('test.fragile:starts')).toBe(1);
    await crash(kernel);
    // A call may meet a guest that is about to end.
    const starts = () =>
      kernel.commands.execute('test.fragile:starts').catch(({ code }: { code: string }) => code);
    await expect.poll(starts, { timeout: 10_000 }).toBe(4);
    expect(kernel.plugins.get('test.fragile')).toMatchObject({
      state: 'active',
      activatedBy: 'restart',
    });
  });
});
