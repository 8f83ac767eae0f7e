/**
 * What a plugin's author sees of a mistake: the plugin, the place, and the operation. In every
 * isolation.
 */

import type { Kernel, KernelEvents, KernelOptions, LogEntry } from '@plinth/kernel';
import { PluginTimeoutError } from '@plinth/sdk';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { has } from '../matrix/gaps.ts';
import { full } from '../support/full.ts';
import { nextEvent, rejection, type Setting, startKernel } from '../support/kernels.ts';
import { bundleOf, pluginOf } from '../support/plugins.ts';

const walled = await has('wall');
const ISOLATIONS = (
  !full ? ['worker'] : walled ? ['inline', 'worker', 'process', 'sandbox'] : ['inline', 'worker']
) as readonly Setting['isolation'][];

/** A map in which line n of the bundle, from its start, is line n + 10 of `src/boom.ts`. */
const MAP = JSON.stringify({
  version: 3,
  sources: ['../src/boom.ts'],
  sourcesContent: ['"escaped \\" text { [" '.repeat(50)],
  names: [],
  mappings: `AAUA${';AACA'.repeat(20)}`,
});
const inlineMap = (code: string) =>
  `${code}\n//# sourceMappingURL=data:application/json;charset=utf-8;base64,${btoa(MAP)}\n`;

const BOOM = `export default { activate(ctx) {
  ctx.commands.handle('boom', function boom() {
    const nothing = undefined;
    return nothing.field;
  });
  ctx.commands.handle('later', async () => { await null; throw new RangeError('too late'); });
  ctx.commands.handle('text', () => { throw 'only text'; });
  ctx.hooks.handle('ask', () => { throw new Error('hooked'); });
  ctx.middleware.use('command:test.boom:wrapped', () => { throw new Error('in the way'); });
  ctx.commands.handle('wrapped', () => 1);
  ctx.events.on('host:news', async () => { throw new Error('deaf'); });
  ctx.commands.handle('forget', () => { Promise.reject(new Error('forgotten')); return 'went on'; });
  ctx.commands.handle('crash', () => { setTimeout(() => { throw new TypeError('not caught'); }, 0); return new Promise(() => {}); });
} };`;
const RIGHTS = {
  permissions: { middleware: { use: ['command:test.boom:*'] }, events: { subscribe: ['host:*'] } },
};
const boom = bundleOf('test.boom', inlineMap(BOOM), RIGHTS);

for (const isolation of ISOLATIONS) {
  describe(`${runtime} ${isolation}: an author's mistake`, () => {
    const lines: LogEntry[] = [];
    const start = (
      packages: Parameters<typeof startKernel>[1],
      options: KernelOptions = {},
    ): Promise<Kernel> => {
      lines.length = 0;
      return startKernel({ isolation, createHost }, packages, {
        telemetry: { log: (entry) => void lines.push(entry) },
        isolation,
        supervision: { restart: false },
        ...options,
      });
    };
    const lineOf = (text: string) =>
      expect.poll(() => lines.find(({ message }) => message.includes(text)));

    it('in a handler reaches its caller with the plugin and the source position, and is logged', async () => {
      const kernel = await start([boom]);
      const error = await rejection(kernel.commands.execute('test.boom:boom'));
      expect(error).toBeInstanceOf(TypeError);
      expect(error.plugin).toBe('test.boom');
      expect(error.stack).toMatch(/src\/boom\.ts:14/);
      expect(
        lines.find(({ message }) => message.startsWith('test.boom:boom failed: ')),
      ).toMatchObject({
        level: 'error',
        source: 'test.boom',
        fields: { command: 'test.boom:boom', stack: expect.stringMatching(/src\/boom\.ts:14/) },
      });
      expect(await rejection(kernel.commands.execute('test.boom:later'))).toMatchObject({
        name: 'RangeError',
        plugin: 'test.boom',
        stack: expect.stringContaining('src/boom.ts:16'),
      });
      expect(await rejection(kernel.commands.execute('test.boom:text'))).toMatchObject({
        code: 'call/failed',
        plugin: 'test.boom',
      });
      expect(lines.filter(({ level }) => level === 'error').map(({ message }) => message)).toEqual([
        expect.stringMatching(/^test\.boom:boom failed: ./),
        'test.boom:later failed: too late',
        'test.boom:text failed: only text',
      ]);
    });

    it("in a handler reaches another plugin with the plugin's id, and is logged once", async () => {
      const relay = pluginOf(
        'test.relay',
        `ctx.commands.handle('ask', () => ctx.commands.execute('test.boom:boom'));
         ctx.commands.handle('whose', () => ctx.commands.execute('test.boom:boom').catch((error) => [error.name, error.plugin, /boom\\.ts|test\\.boom@/.test(error.stack)]));`,
        { permissions: { commands: { execute: ['test.boom:*'] } } },
      );
      const kernel = await start([boom, relay]);
      expect(await kernel.commands.execute('test.relay:whose')).toEqual([
        'TypeError',
        'test.boom',
        false,
      ]);
      lines.length = 0;
      await rejection(kernel.commands.execute('test.relay:ask'));
      expect(lines.filter(({ level }) => level === 'error').map(({ source }) => source)).toEqual([
        'test.boom',
      ]);
    });

    it('in a hook, a middleware or a listener is logged with the operation and the source position', async () => {
      const kernel = await start([boom]);
      expect(await kernel.hooks.collect('test.boom:ask')).toEqual([]);
      await lineOf('test.boom:ask failed: hooked').toMatchObject({
        fields: { hook: 'test.boom:ask', stack: expect.stringContaining('src/boom.ts:18') },
      });
      await rejection(kernel.commands.execute('test.boom:wrapped'));
      await lineOf('failed: in the way').toMatchObject({
        fields: {
          middleware: 'command:test.boom:wrapped',
          stack: expect.stringContaining('src/boom.ts:19'),
        },
      });
      await kernel.events.emit('news');
      await lineOf('a listener of host:news threw: deaf').toMatchObject({
        source: 'test.boom',
        fields: { topic: 'host:news', stack: expect.stringContaining('src/boom.ts:21') },
      });
    });

    it('in activate is reported with its source position by the log, plugin:failed and explain()', async () => {
      const events: KernelEvents['plugin:failed'][] = [];
      const kernel = await start([]);
      kernel.events.on('plugin:failed', ({ payload }) => void events.push(payload));
      const { packageOf } = await import('@plinth/kernel');
      const bad = bundleOf(
        'test.bad',
        inlineMap("export default {\n  activate() {\n    throw new Error('not today');\n  },\n};"),
      );
      await rejection(
        kernel.plugins.install(packageOf(bad)).then(() => kernel.plugins.activate('test.bad')),
      );
      const stack = expect.stringMatching(
        /^Error: not today\n[^\n]*src\/boom\.ts:13|^[^\n]*src\/boom\.ts:13/,
      );
      expect(events[0]).toMatchObject({ id: 'test.bad', stack });
      expect(kernel.plugins.explain('test.bad').error).toMatchObject({ stack });
      await lineOf('cannot activate test.bad').toMatchObject({
        fields: { plugin: 'test.bad', stage: 'activate', stack },
      });
    });

    it("in an aborted handler: the signal's reason distinguishes a time-out from a cancel", async () => {
      const waits = pluginOf(
        'test.waits',
        `const seen = [];
         ctx.commands.handle('wait', (_, call) => new Promise((resolve, reject) => call.signal.addEventListener('abort', () => { seen.push(call.signal.reason.code); reject(call.signal.reason); })));
         ctx.commands.handle('through', (_, call) => ctx.commands.execute('test.waits:wait', undefined, call));
         ctx.commands.handle('seen', () => seen);`,
        { permissions: { commands: { execute: ['test.waits:*'] } } },
      );
      const kernel = await start([waits]);
      expect(
        await rejection(kernel.commands.execute('test.waits:wait', undefined, { timeout: 30 })),
      ).toBeInstanceOf(PluginTimeoutError);
      await expect.poll(() => kernel.commands.execute('test.waits:seen')).toEqual(['call/timeout']);
      await rejection(kernel.commands.execute('test.waits:through', undefined, { timeout: 30 }));
      await expect
        .poll(() => kernel.commands.execute('test.waits:seen'))
        .toEqual(['call/timeout', 'call/timeout']);
      const controller = new AbortController();
      const cancelled = rejection(
        kernel.commands.execute('test.waits:wait', undefined, { signal: controller.signal }),
      );
      controller.abort();
      await cancelled;
      await expect
        .poll(() => kernel.commands.execute('test.waits:seen'))
        .toEqual(['call/timeout', 'call/timeout', 'call/cancelled']);
      // A normal end is no mistake.
      expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
    });

    it('is not logged when the plugin is stopped: its calls end as plugin/unavailable', async () => {
      const kernel = await start([
        pluginOf('test.slow', "ctx.commands.handle('wait', () => new Promise(() => {}));"),
      ]);
      const waiting = rejection(kernel.commands.execute('test.slow:wait'));
      await kernel.plugins.deactivate('test.slow', { drain: 0 });
      expect(await waiting).toMatchObject({
        code: 'plugin/unavailable',
        plugin: 'test.slow',
        message: 'test.slow was stopped',
      });
      expect(lines.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
    });

    it.each([
      ['process', 'process.env.HOME', /ctx\.config.*ctx\.env/],
      ['document', "document.createElement('p')", /no page/],
      ['localStorage', "localStorage.getItem('a')", /ctx\.storage/],
      ['require', "require('fs')", /ES module/],
      ['fetch', "fetch('https://example.com')", /ctx\.fetch.*network\.fetch/],
      ['Buffer', "Buffer.from('a')", /Uint8Array/],
      ['XMLHttpRequest', 'new XMLHttpRequest()', /ctx\.fetch/],
    ])(
      'that uses %s gets an error that names the alternative and the position',
      async (_, code, hint) => {
        // The application's own thread has the globals of its runtime.
        if (isolation === 'inline') return;
        const kernel = await start([
          bundleOf(
            'test.lost',
            inlineMap(
              `export default { activate(ctx) {\n  ctx.commands.handle('go', () => {\n    return ${code};\n  });\n} };`,
            ),
          ),
        ]);
        const error = await rejection(kernel.commands.execute('test.lost:go'));
        expect(error.message).toMatch(hint);
        expect(error.message).toContain('src/boom.ts:13');
        expect(lines.find(({ level }) => level === 'error')?.message).toMatch(hint);
      },
    );

    it('in the middle of a stream reaches its reader with the position, and is logged', async () => {
      const code =
        "export default { activate(ctx) {\n  ctx.commands.handle('items', async function* () {\n    yield 1;\n    throw new RangeError('dried up');\n  });\n} };";
      const kernel = await start([bundleOf('test.source', inlineMap(code))]);
      const read: unknown[] = [];
      const error = await rejection(
        (async () => {
          for await (const item of (await kernel.commands.execute(
            'test.source:items',
          )) as AsyncIterable<unknown>)
            read.push(item);
        })(),
      );
      expect(read).toEqual([1]);
      expect(error).toMatchObject({
        name: 'RangeError',
        plugin: 'test.source',
        stack: expect.stringContaining('src/boom.ts:14'),
      });
      await lineOf('a stream failed: dried up').toMatchObject({
        source: 'test.source',
        fields: { stack: expect.stringContaining('src/boom.ts:14') },
      });
    });

    it('with circular causes, or that is no error at all, is still logged', async () => {
      const odd = pluginOf(
        'test.odd',
        `ctx.commands.handle('round', () => { const error = new Error('round'); error.cause = error; error.stack = undefined; throw error; });
         ctx.commands.handle('hostile', () => { throw Object.defineProperty(new Error('x'), 'stack', { get() { throw 1; } }); });
         ctx.commands.handle('nothing', () => { throw undefined; });`,
      );
      const kernel = await start([odd]);
      for (const name of ['round', 'hostile', 'nothing'])
        expect(await rejection(kernel.commands.execute(`test.odd:${name}`))).toMatchObject({
          plugin: 'test.odd',
        });
      expect(lines.filter(({ level }) => level === 'error').map(({ message }) => message)).toEqual([
        'test.odd:round failed: round',
        'test.odd:hostile failed: x',
        'test.odd:nothing failed: undefined',
      ]);
    });

    it("over a direct lane is logged, and a late handler's signal reports the time-out there too", async () => {
      const provider = pluginOf(
        'test.provider',
        `const seen = [];
         ctx.commands.handle('ping', () => 1);
         ctx.commands.handle('boom', () => { throw new TypeError('over there'); });
         ctx.commands.handle('wait', (_, call) => new Promise((resolve, reject) => call.signal.addEventListener('abort', () => { seen.push(call.signal.reason.code); reject(call.signal.reason); })));
         ctx.commands.handle('seen', () => seen);`,
      );
      const caller = pluginOf(
        'test.caller',
        `ctx.commands.handle('go', async () => { for (let n = 0; n < 20; n++) await ctx.commands.execute('test.provider:ping'); });
         ctx.commands.handle('boom', () => ctx.commands.execute('test.provider:boom').catch((error) => [error.name, error.plugin]));
         ctx.commands.handle('late', () => ctx.commands.execute('test.provider:wait', undefined, { timeout: 30 }).catch((error) => error.code));`,
        { permissions: { commands: { execute: ['test.provider:*'] } } },
      );
      const kernel = await start([provider, caller], { lanes: { calls: 4 } });
      await kernel.commands.execute('test.caller:go');
      expect(await kernel.commands.execute('test.caller:boom')).toEqual([
        'TypeError',
        'test.provider',
      ]);
      await lineOf('test.provider:boom failed: over there').toMatchObject({
        source: 'test.provider',
        fields: { command: 'test.provider:boom' },
      });
      expect(await kernel.commands.execute('test.caller:late')).toBe('call/timeout');
      await expect
        .poll(() => kernel.commands.execute('test.provider:seen'))
        .toEqual(['call/timeout']);
    });

    it('without a usable source map is reported with the line of the bundle', async () => {
      for (const map of [
        '',
        '\n//# sourceMappingURL=plugin.js.map',
        '\n//# sourceMappingURL=data:application/json;base64,!!!',
        '\n//# sourceMappingURL=data:application/json,%7B"mappings":"A;B',
      ] as const) {
        const kernel = await start([bundleOf('test.boom', BOOM + map, RIGHTS)]);
        const error = await rejection(kernel.commands.execute('test.boom:boom'));
        expect(error.stack).toMatch(/plinth:test\.boom@1\.0\.0\/plugin\.js\?\d+:4:/);
        await kernel.stop();
      }
    });

    if (isolation === 'inline') return;

    it('in an unawaited promise is reported as an unhandled rejection, with its position', async () => {
      const kernel = await start([boom]);
      const failed = nextEvent(kernel, 'plugin:failed');
      expect(await kernel.commands.execute('test.boom:forget')).toBe('went on');
      expect(await failed).toMatchObject({
        code: 'guest/crashed',
        message: expect.stringContaining('unhandled rejection'),
        stack: expect.stringContaining('src/boom.ts:22'),
      });
      expect((await failed).message).toContain('forgotten');
    });

    it('that crashes the guest is reported with its position', async () => {
      const kernel = await start([boom]);
      const failed = nextEvent(kernel, 'plugin:failed');
      const error = await rejection(kernel.commands.execute('test.boom:crash'));
      expect(error).toMatchObject({
        code: 'guest/crashed',
        message: expect.stringMatching(/crashed: .*not caught/),
      });
      expect(await failed).toMatchObject({ stack: expect.stringContaining('src/boom.ts:23') });
      expect(error.message).not.toContain('rejection');
    });
  });
}
