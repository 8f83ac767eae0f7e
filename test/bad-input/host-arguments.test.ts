/** Each function that the application calls, with arguments that types forbid. */

import { createKernel, packageOf, packageSource, urlSource } from '@plinth/kernel';
import { createKernel as createCore } from '@plinth/kernel/core';
import { type Contract, command, contract } from '@plinth/sdk';
import { describe, expect, it } from 'vitest';
import { runtime } from '#host';
import { rejection } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

// biome-ignore lint/suspicious/noExplicitAny: the test gives what types forbid.
type Wrong = any;
const ID = 'test.one';
const HI = `${ID}:hi`;

/** Lists of arguments. Each is given to each function, whether it takes so many or not. */
const ARGUMENTS: readonly (readonly unknown[])[] = [
  ...[undefined, null, 5, {}, '', 'nope', () => {}, [], [null]].map((one) => [one]),
  ...[null, 5, {}, [], { nope: 1 }].map((one) => [ID, one]),
  ...[null, 5, {}, { nope: 1 }].flatMap((one) => [
    [ID, 'x', one],
    [HI, 1, one],
  ]),
  [{}, {}],
  [{}, null],
  [null, null],
];

const start = async () => {
  const kernel = await createKernel({
    isolation: 'inline',
    telemetry: { log: false },
    sources: [packageSource([pluginOf(ID, "ctx.commands.handle('hi', (value) => value);")])],
  });
  await kernel.start();
  return kernel;
};

/** The functions of an object and of its parts, by their paths. */
function functionsOf(value: object, path: readonly string[] = []): readonly (readonly string[])[] {
  return Object.entries(value).flatMap(([name, one]) => {
    if (typeof one === 'function') return [[...path, name]];
    return one !== null && typeof one === 'object' ? functionsOf(one, [...path, name]) : [];
  });
}

const END = new Set(['start', 'stop', 'open']);

describe(`${runtime}: a kernel`, () => {
  it('answers each wrong argument, or refuses it with a code', async () => {
    const first = await start();
    const paths = functionsOf(first).filter(([name]) => !END.has(name as string));
    await first.stop();
    expect(paths.length).toBeGreaterThan(80);
    const bare: string[] = [];
    for (const path of paths) {
      const kernel = await start();
      const on = path.slice(0, -1).reduce((part: Wrong, name) => part[name], kernel);
      for (const given of ARGUMENTS) {
        try {
          await on[path.at(-1) as string](...given);
        } catch (error) {
          const { code, message } = Object(error) as { code?: unknown; message?: string };
          if (typeof code !== 'string' || !code.includes('/'))
            bare.push(`${path.join('.')}(${given.map((one) => typeof one)}): ${message}`);
        }
      }
      await kernel.stop({ drain: 0 });
    }
    expect(bare).toEqual([]);
  });

  it.each<[string, Wrong, RegExp]>([
    ['misspelt', { timeOut: 5 }, /have no 'timeOut' \(did you mean 'timeout'\?\)/],
    ['a number', 5, /are an object/],
    ['null', null, /are an object/],
    ['a controller for a signal', { signal: new AbortController() }, /no AbortSignal/],
    ['a text for a function', { onProgress: 'x' }, /no function as 'onProgress'/],
  ])('refuses options of a call that are %s, and stops', async (_, options, words) => {
    const kernel = await start();
    const refused = { code: 'call/invalid-option', message: expect.stringMatching(words) };
    expect(await rejection(kernel.commands.execute(HI, 1, options))).toMatchObject(refused);
    expect(await rejection(kernel.hooks.collect('test.one:all', 1, options))).toMatchObject(
      refused,
    );
    const client = kernel.client(contract('test.one@1', { hi: command({}) })) as Wrong;
    expect(await rejection(client.hi(1, options))).toMatchObject(refused);
    expect(await kernel.commands.execute(HI, 1)).toBe(1);
    await kernel.stop();
  });

  it('refuses misspelt options of what it does to plugins', async () => {
    const kernel = await start();
    const next = packageOf(pluginOf(ID, '', { version: '2.0.0' }));
    const tries: Record<string, () => Promise<unknown>> = {
      install: () => kernel.plugins.install(next, { ownr: 'me' } as Wrong),
      reload: () => kernel.plugins.reload(ID, next, { ownr: 'me' } as Wrong),
      update: () => kernel.plugins.update(ID, next, { consnt: true } as Wrong),
      uninstall: () => kernel.plugins.uninstall(ID, { purg: true } as Wrong),
      deactivate: () => kernel.plugins.deactivate(ID, { drian: 1 } as Wrong),
      stop: () => kernel.stop({ drian: 1 } as Wrong),
    };
    for (const [name, attempt] of Object.entries(tries))
      expect([name, await rejection(attempt())]).toMatchObject([
        name,
        { code: 'kernel/invalid-option', message: expect.stringContaining('did you mean') },
      ]);
    expect(kernel.plugins.get(ID)).toMatchObject({ version: '1.0.0', state: 'active' });
    await kernel.stop();
  });
});

describe(`${runtime}: what makes kernels, sources and contracts`, () => {
  const refused = (code: string) => expect.objectContaining({ code });

  it('refuses what is no object of options, and no list of sources', async () => {
    for (const create of [createKernel, createCore] as readonly Wrong[])
      for (const options of [null, 5, 'x', [], { sources: 5 }, { sources: {} }])
        expect(await rejection(create(options))).toMatchObject({ code: 'kernel/invalid-option' });
  });

  it('refuses what is no list of packages or URLs', () => {
    for (const wrong of [undefined, null, 5, 'https://example.com/plugin.json', {}] as Wrong[]) {
      expect(() => packageSource(wrong)).toThrow(refused('kernel/invalid-option'));
      expect(() => urlSource(wrong)).toThrow(refused('kernel/invalid-option'));
    }
  });

  it('refuses what is no contract and no member', () => {
    for (const wrong of [undefined, null, 5, {}] as Wrong[])
      expect((): Contract => contract(wrong, {}) as Wrong).toThrow(refused('contract/invalid'));
    for (const member of [undefined, null, 5, {}, () => {}] as Wrong[])
      expect(() => contract('test.one@1', { hi: member })).toThrow(refused('contract/invalid'));
  });
});
