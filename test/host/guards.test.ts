/**
 * A guard that can't answer doesn't open the way: what its middleware or its handlers guard waits
 * for it, and fails when it doesn't return.
 */

import { createKernel, type Kernel, packageSource } from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import {
  gateOf,
  keep,
  nextEvent,
  rejection,
  type Setting,
  startKernel,
} from '../support/kernels.ts';
import { CRASH, pluginOf } from '../support/plugins.ts';

const bank = (more: object = {}) =>
  pluginOf(
    'test.bank',
    `ctx.commands.handle('pay', (input) => 'paid ' + input);
     ctx.commands.handle('emit', () => ctx.events.emit('paid', 1).then(() => 'emitted'));`,
    more,
  );

const may = {
  permissions: {
    middleware: { use: ['command:test.bank:*', 'event:test.bank:*'] },
    hooks: { handle: ['test.shop:*'] },
  },
};
/** Refuses the input 'much', and crashes on request. */
const guardText = `
  ${CRASH}
  ctx.middleware.use('command:test.bank:pay', (call, next) => { if (call.input === 'much') throw new Error('refused'); return next(call.input + '!'); });
  ctx.middleware.use('event:test.bank:*', (call, next) => next());
  ctx.hooks.handle('test.shop:allow', (input) => input !== 'much');`;
const guard = (text = guardText, more: object = {}) =>
  pluginOf('test.guard', text, { ...may, ...more });

const pay = (kernel: Kernel, input = 'a', timeout = 20_000) =>
  kernel.commands.execute('test.bank:pay', input, { timeout });
const crash = async (kernel: Kernel) => {
  const crashed = nextEvent(kernel, 'plugin:crashed');
  kernel.commands.execute('test.guard:crash').catch(() => {});
  await crashed;
};

describe(`${runtime}: a guard that has crashed`, () => {
  const setting: Setting = { isolation: 'worker', createHost };

  it('is waited for until its restart, in order, by calls and events', async () => {
    const kernel = await startKernel(setting, [bank(), guard()], { supervision: { backoff: 50 } });
    await crash(kernel);
    const seen: unknown[] = [];
    const calls = ['a', 'b', 'c'].map((input) =>
      pay(kernel, input).then((answer) => seen.push(answer)),
    );
    const refused = rejection(pay(kernel, 'much'));
    const emitted = kernel.commands.execute('test.bank:emit');
    await Promise.all(calls);
    expect(seen).toEqual(['paid a!', 'paid b!', 'paid c!']);
    expect((await refused).message).toBe('refused');
    expect(await emitted).toBe('emitted');
    expect(kernel.plugins.get('test.guard')?.state).toBe('active');
  });

  it('leaves no gap for a listener that calls as soon as it gets the crash event', async () => {
    const kernel = await startKernel(setting, [bank(), guard()], { supervision: { backoff: 50 } });
    const answers: Promise<unknown>[] = [];
    for (const topic of ['plugin:crashed', 'plugin:failed'])
      kernel.events.on(
        topic,
        () => void answers.push(pay(kernel, topic).catch((error: Error) => error)),
      );
    await crash(kernel);
    expect(answers.length).toBe(2);
    for (const answer of await Promise.all(answers))
      expect(answer instanceof Error || String(answer).endsWith('!')).toBe(true);
  });

  it('fails what it guards by its deadline while it is quarantined, with the reason', async () => {
    const kernel = await startKernel(setting, [bank(), guard()], {
      supervision: { backoff: 1, crashes: 1 },
    });
    const quarantined = nextEvent(kernel, 'plugin:quarantined');
    await crash(kernel);
    await quarantined;
    const error = await rejection(pay(kernel, 'a', 80));
    expect(error).toMatchObject({
      code: 'middleware/unavailable',
      plugin: 'test.guard',
      details: { guard: 'test.guard', state: 'quarantined', command: 'test.bank:pay' },
    });
    expect(error.message).toMatch(
      /test\.bank:pay did not answer within 80 ms: it waits for the middleware test\.guard, which can't answer: test\.guard is quarantined/,
    );
    // After a restart by name it is back, and so are the calls.
    const waiting = pay(kernel);
    await kernel.plugins.activate('test.guard');
    expect(await waiting).toBe('paid a!');
  });

  it('pauses its dependants at once, also while its restart is due; calls wait for both', async () => {
    const kernel = await startKernel(
      setting,
      [bank({ dependencies: { 'test.guard': '^1.0.0' } }), guard()],
      { supervision: { backoff: 100 } },
    );
    const suspended = nextEvent(kernel, 'plugin:suspended');
    await crash(kernel);
    const waiting = pay(kernel);
    expect(await suspended).toMatchObject({ id: 'test.bank' });
    expect(await pay(kernel, 'b')).toBe('paid b!');
    expect(await waiting).toBe('paid a!');
    expect(kernel.plugins.get('test.bank')?.state).toBe('active');
  });
});

for (const setting of [
  { isolation: 'worker', createHost },
  { isolation: 'inline' },
] satisfies Setting[]) {
  describe(`${setting.isolation === 'inline' ? 'inline' : `${runtime} worker`}: a guard that cannot answer`, () => {
    it('failed to start: its commands, events and deciding hooks fail by their deadlines', async () => {
      const kernel = await startKernel(
        setting,
        [bank(), guard(`throw new Error('no database');`)],
        { limits: { hook: 400 } },
      );
      expect(await rejection(pay(kernel, 'a', 60))).toMatchObject({
        code: 'middleware/unavailable',
        details: { state: 'failed' },
        message: expect.stringContaining('no database'),
      });
      const emitting = rejection(
        kernel.commands.execute('test.bank:emit', undefined, { timeout: 60 }),
      );
      expect((await emitting).code).toMatch(/middleware\/unavailable|call\/timeout/);
      const asking = (strict: boolean) =>
        kernel.hooks.collect('test.shop:allow', 'little', { strict, timeout: 60 });
      expect(await rejection(asking(true))).toMatchObject({
        code: 'middleware/unavailable',
        plugin: 'test.guard',
      });
      expect(await asking(false)).toEqual([]);
    });

    it('cannot be resolved, or is too new for this kernel: its commands are closed too', async () => {
      for (const more of [
        { dependencies: { 'not.there': '^1.0.0' } },
        { engines: { plinth: '^9.0.0' } },
      ]) {
        const kernel = await startKernel(setting, [bank(), guard(guardText, more)]);
        expect(await rejection(pay(kernel, 'a', 60)), JSON.stringify(more)).toMatchObject({
          code: 'middleware/unavailable',
          plugin: 'test.guard',
        });
      }
    });

    it('is not discovered yet: calls made meanwhile wait, and reach their guard', async () => {
      let go = () => {};
      const found = new Promise<void>((resolve) => {
        go = resolve;
      });
      const source = packageSource([bank({ activation: ['command:test.bank:pay'] }), guard()]);
      const slow = {
        origin: 'slow',
        async *discover() {
          await found;
          yield* source.discover();
        },
      };
      const kernel = keep(
        await createKernel({
          ...(setting.createHost && { host: setting.createHost() }),
          isolation: setting.isolation,
          sources: [slow],
          telemetry: { log: false },
        }),
      );
      kernel.commands.handle('free', () => 'free');
      const starting = kernel.start();
      const waiting = [pay(kernel), kernel.commands.execute('host:free')];
      go();
      expect(await Promise.all(waiting)).toEqual(['paid a!', 'free']);
      await starting;
    });

    it('is still starting: what arrives meanwhile waits for it', async () => {
      const kernel = await startKernel(setting, [
        bank(),
        guard(`${guardText} await ctx.commands.execute('host:gate').catch(() => {});`, {
          permissions: { ...may.permissions, commands: { execute: ['host:gate'] } },
        }),
      ]);
      await kernel.plugins.deactivate('test.guard');
      const gate = gateOf(kernel);
      const starting = kernel.plugins.activate('test.guard');
      await gate.reached;
      const waiting = pay(kernel);
      gate.open();
      expect(await waiting).toBe('paid a!');
      await starting;
    });

    it('was deactivated: calls wait for it, and continue when the operator disables or uninstalls it', async () => {
      for (const way of ['disable', 'uninstall'] as const) {
        const kernel = await startKernel(setting, [bank(), guard()]);
        await kernel.plugins.deactivate('test.guard');
        expect(await rejection(pay(kernel, 'a', 60))).toMatchObject({
          code: 'middleware/unavailable',
          details: { state: 'unloaded' },
        });
        const waiting = pay(kernel);
        await kernel.plugins[way]('test.guard');
        expect(await waiting).toBe('paid a');
      }
    });

    it('was suspended: calls wait for it, and fail with the reason by their deadline', async () => {
      const kernel = await startKernel(setting, [bank(), guard()]);
      await kernel.plugins.suspend('test.guard');
      expect(await rejection(pay(kernel, 'a', 60))).toMatchObject({
        code: 'middleware/unavailable',
        plugin: 'test.guard',
        details: { state: 'suspended' },
      });
      const waiting = pay(kernel);
      await kernel.plugins.resume('test.guard');
      expect(await waiting).toBe('paid a!');
    });

    it.each([
      ['is disabled', (kernel: Kernel) => kernel.plugins.disable('test.guard')],
      ['is uninstalled', (kernel: Kernel) => kernel.plugins.uninstall('test.guard')],
      [
        'loses its right',
        (kernel: Kernel) =>
          kernel.permissions.revoke('test.guard', 'middleware.use', 'command:test.bank:*'),
      ],
    ])('was suspended and %s: what waits for it passes', async (_, end) => {
      const kernel = await startKernel(setting, [bank(), guard()]);
      await kernel.plugins.suspend('test.guard');
      const waiting = pay(kernel, 'much');
      await kernel.commands.execute('host:nothing').catch(() => {});
      await end(kernel);
      expect(await waiting).toBe('paid much');
    });

    it('was suspended and stopped: what waits for it waits on, and runs through it', async () => {
      const kernel = await startKernel(setting, [bank(), guard()]);
      await kernel.plugins.suspend('test.guard');
      const [waiting, refused] = [pay(kernel), rejection(pay(kernel, 'much'))];
      await kernel.commands.execute('host:nothing').catch(() => {});
      await kernel.plugins.deactivate('test.guard');
      await kernel.plugins.activate('test.guard');
      expect(await waiting).toBe('paid a!');
      expect((await refused).message).toBe('refused');
    });

    it('lost its dependency: calls wait for it rather than pass', async () => {
      const kernel = await startKernel(setting, [
        bank(),
        guard(guardText, { dependencies: { 'test.base': '^1.0.0' } }),
        pluginOf('test.base', ''),
      ]);
      await kernel.plugins.deactivate('test.base');
      expect(await rejection(pay(kernel, 'a', 60))).toMatchObject({
        code: 'middleware/unavailable',
        details: { state: 'suspended' },
      });
      await kernel.plugins.activate('test.base');
      expect(await pay(kernel)).toBe('paid a!');
    });

    it('was never started: the first call that it guards starts it', async () => {
      const kernel = await startKernel(setting, [
        bank(),
        guard(guardText, { activation: ['command:test.guard:crash'] }),
      ]);
      expect(kernel.plugins.get('test.guard')?.state).toBe('resolved');
      expect(await pay(kernel)).toBe('paid a!');
      expect(await rejection(pay(kernel, 'much'))).toMatchObject({ message: 'refused' });
    });

    it('hibernates, and is woken', async () => {
      const kernel = await startKernel(setting, [bank(), guard()]);
      await kernel.plugins.hibernate('test.guard');
      expect(await pay(kernel)).toBe('paid a!');
    });

    it('may be skipped when its manifest says that it is optional, which is reported once', async () => {
      const optional = {
        contributes: { middleware: [{ target: 'command:test.bank:*', optional: true }] },
      };
      const kernel = await startKernel(setting, [
        bank(),
        guard(`throw new Error('no');`, optional),
      ]);
      const skipped: unknown[] = [];
      kernel.events.on('middleware:skipped', ({ payload }) => skipped.push(payload));
      expect(await pay(kernel)).toBe('paid a');
      expect(await pay(kernel)).toBe('paid a');
      expect(skipped).toEqual([
        { plugin: 'test.guard', target: 'command:test.bank:pay', state: 'failed' },
      ]);
      // Its events are not guarded.
      expect(
        (await rejection(kernel.commands.execute('test.bank:emit', undefined, { timeout: 60 })))
          .code,
      ).toMatch(/middleware\/unavailable|call\/timeout/);
    });

    it('no longer guards what its revoked right covered', async () => {
      const kernel = await startKernel(setting, [bank(), guard(`throw new Error('no');`)]);
      const waiting = pay(kernel);
      await kernel.permissions.revoke('test.guard', 'middleware.use', 'command:test.bank:*');
      expect(await waiting).toBe('paid a');
    });

    it('is not waited for by its own calls while it starts', async () => {
      const own = { permissions: { ...may.permissions, commands: { execute: ['test.bank:*'] } } };
      const kernel = await startKernel(setting, [
        bank(),
        guard(`${guardText} await ctx.commands.execute('test.bank:pay', 'own');`, own),
      ]);
      expect(kernel.plugins.get('test.guard')?.state).toBe('active');
      expect(await pay(kernel)).toBe('paid a!');
    });

    it('does not delay the end of the kernel', async () => {
      const kernel = await startKernel(setting, [bank(), guard(`throw new Error('no');`)]);
      const waiting = rejection(pay(kernel));
      await kernel.stop();
      expect((await waiting).code).toBe('middleware/unavailable');
    });
  });
}
