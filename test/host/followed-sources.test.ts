/** Sources that tell what changes: the kernel follows them while it runs. */
import { createKernel, type KernelOptions, packageOf, type SourceChange } from '@plinth/kernel';
import { createKernel as createCore } from '@plinth/kernel/core';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { keep, rejection } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

/** A plugin that counts in its state, and says which text it is. */
const counter = (id: string, word: string, origin: string, manifest = {}) => ({
  ...packageOf({
    ...pluginOf(id, '', manifest),
    code: `let count = 0;
      export default {
        activate(ctx) { ctx.commands.handle('next', () => '${word} ' + ++count); },
        getState: () => count,
        restoreState(state) { count = state; },
      };`,
  }),
  origin,
});

/** A source with one plugin, which a test changes. */
function source() {
  const open = new Set<(change: SourceChange) => Promise<void>>();
  return {
    origin: 'a shelf',
    async *discover() {
      yield counter('test.one', 'first', 'shelf/one');
    },
    watch(onChange: (change: SourceChange) => Promise<void>) {
      open.add(onChange);
      return { dispose: () => void open.delete(onChange) };
    },
    open,
    /** Resolves or rejects when the kernel has answered. */
    tell: async (change: SourceChange) => {
      expect(open.size).toBe(1);
      for (const onChange of open) await onChange(change);
    },
  };
}

async function follow(options: KernelOptions = {}) {
  const shelf = source();
  const log: string[] = [];
  const kernel = keep(
    await createKernel({
      host: createHost(),
      telemetry: { log: ({ level, message }) => void (level === 'error' && log.push(message)) },
      ...options,
      sources: [shelf],
    }),
  );
  await kernel.start();
  return { kernel, shelf, log, next: (id: string) => kernel.commands.execute(`${id}:next`) };
}

describe(`${runtime}: sources that are followed`, () => {
  it('replace a plugin with its state, also by another version', async () => {
    const { kernel, shelf, next } = await follow();
    expect(await next('test.one')).toBe('first 1');
    await shelf.tell({ origin: 'shelf/one', found: counter('test.one', 'second', 'shelf/one') });
    expect(await next('test.one')).toBe('second 2');
    const found = counter('test.one', 'third', 'shelf/one', { version: '2.0.0' });
    await shelf.tell({ origin: 'shelf/one', found });
    expect(await next('test.one')).toBe('third 3');
    expect(kernel.plugins.get('test.one')?.version).toBe('2.0.0');
  });

  it('add and remove plugins, again and again, and start those that ask for it', async () => {
    const { kernel, shelf, next } = await follow();
    for (let round = 0; round < 3; round++) {
      await shelf.tell({ origin: 'shelf/two', found: counter('test.two', 'two', 'shelf/two') });
      expect(kernel.plugins.get('test.two')?.state).toBe('active');
      expect(await next('test.two')).toBe('two 1');
      await shelf.tell({ origin: 'shelf/two', found: undefined });
      expect(kernel.plugins.get('test.two')).toBeUndefined();
    }
    const lazy = counter('test.lazy', 'lazy', 'shelf/lazy', {
      activation: ['command:test.lazy:next'],
    });
    await shelf.tell({ origin: 'shelf/lazy', found: lazy });
    expect(kernel.plugins.get('test.lazy')?.state).toBe('resolved');
    await shelf.tell({ origin: 'shelf/nothing', found: undefined });
  });

  it('keep what runs when a change is wrong, tell the source, and log it', async () => {
    const { kernel, shelf, log, next } = await follow();
    expect(await next('test.one')).toBe('first 1');
    const throwing = {
      ...packageOf({ ...pluginOf('test.one', ''), code: "throw new Error('at the top');" }),
      origin: 'shelf/one',
    };
    for (const [found, what] of [
      [throwing, 'at the top'],
      [{ ...throwing, manifest: '{' }, 'JSON'],
      [{ ...throwing, problem: new Error('no such file') }, 'no such file'],
      [{ ...throwing, manifest: { id: 'test.one' } }, 'version'],
      [counter('test.one', 'x', 'shelf/one', { dependencies: { 'test.none': '*' } }), 'test.none'],
    ] as const) {
      const error = await rejection(shelf.tell({ origin: 'shelf/one', found }));
      expect(error.message).toContain(what);
      const line = log.find((one) => one.startsWith('what changed in shelf/one is not used'));
      expect(line).toContain(what);
      expect(line).toContain('What ran before still runs.');
      log.length = 0;
    }
    expect(await next('test.one')).toBe('first 2');
    expect(kernel.plugins.list()).toHaveLength(1);
  });

  it('put another id in the place of a plugin, or leave the one before', async () => {
    const { kernel, shelf, next } = await follow();
    const bad = {
      ...packageOf({ ...pluginOf('test.other', ''), code: "throw new Error('no');" }),
      origin: 'shelf/one',
    };
    await rejection(shelf.tell({ origin: 'shelf/one', found: bad }));
    expect(kernel.plugins.list().map(({ id }) => id)).toEqual(['test.one']);
    expect(await next('test.one')).toBe('first 1');
    await shelf.tell({ origin: 'shelf/one', found: counter('test.other', 'other', 'shelf/one') });
    expect(kernel.plugins.list().map(({ id }) => id)).toEqual(['test.other']);
    expect(await next('test.other')).toBe('other 1');
  });

  it('are mended after a plugin that could not be read', async () => {
    const { kernel, shelf, next } = await follow();
    const broken = { ...counter('test.two', 'two', 'shelf/two'), manifest: '{' };
    await rejection(shelf.tell({ origin: 'shelf/two', found: broken }));
    await shelf.tell({ origin: 'shelf/two', found: counter('test.two', 'two', 'shelf/two') });
    expect(await next('test.two')).toBe('two 1');
    expect(kernel.plugins.list()).toHaveLength(2);
  });

  it('leave a plugin uninstalled, until its place was empty', async () => {
    const { kernel, shelf, next } = await follow();
    await kernel.plugins.uninstall('test.one');
    await shelf.tell({ origin: 'shelf/one', found: counter('test.one', 'second', 'shelf/one') });
    expect(kernel.plugins.get('test.one')).toBeUndefined();
    await shelf.tell({ origin: 'shelf/one', found: undefined });
    await shelf.tell({ origin: 'shelf/one', found: counter('test.one', 'third', 'shelf/one') });
    expect(await next('test.one')).toBe('third 1');
  });

  it('leave a plugin disabled, and say so', async () => {
    const { kernel, shelf, log } = await follow();
    await kernel.plugins.disable('test.one');
    const found = counter('test.one', 'second', 'shelf/one');
    const error = await rejection(shelf.tell({ origin: 'shelf/one', found }));
    expect(error.message).toContain('disabled');
    expect(log.join()).toContain('is not used');
    expect(kernel.plugins.get('test.one')?.enabled).toBe(false);
  });

  it('are watched once, reach each tenant, and end with the kernel', async () => {
    const { kernel, shelf } = await follow();
    const other = kernel.tenant('other');
    await other.start();
    expect(await other.commands.execute('test.one:next')).toBe('first 1');
    await shelf.tell({ origin: 'shelf/one', found: counter('test.one', 'second', 'shelf/one') });
    expect(await kernel.commands.execute('test.one:next')).toBe('second 1');
    expect(await other.commands.execute('test.one:next')).toBe('second 2');
    await other.stop();
    expect(shelf.open.size).toBe(1);
    const [onChange] = shelf.open;
    await kernel.stop();
    expect(shelf.open.size).toBe(0);
    await onChange?.({ origin: 'shelf/one', found: undefined });
  });

  it('need no installer', async () => {
    const shelf = source();
    const kernel = await createCore({
      host: createHost(),
      telemetry: { log: false },
      sources: [shelf],
    });
    await kernel.start();
    try {
      await shelf.tell({ origin: 'shelf/one', found: counter('test.one', 'second', 'shelf/one') });
      expect(await kernel.commands.execute('test.one:next')).toBe('second 1');
      await shelf.tell({ origin: 'shelf/two', found: counter('test.two', 'two', 'shelf/two') });
      expect(await kernel.commands.execute('test.two:next')).toBe('two 1');
      await shelf.tell({ origin: 'shelf/one', found: undefined });
      expect(kernel.plugins.list().map(({ id }) => id)).toEqual(['test.two']);
    } finally {
      await kernel.stop();
    }
    expect(shelf.open.size).toBe(0);
  });
});
