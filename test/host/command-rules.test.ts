/**
 * Rules that the kernel enforces for commands: the schemas of their manifest, and the defaults of
 * policy.
 */

import type { Kernel, KernelOptions } from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { createHost } from '#host';
import { rejection, type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

const OBJECT = {
  type: 'object',
  properties: { n: { type: 'integer', minimum: 1 } },
  required: ['n'],
  additionalProperties: false,
} as const;
const twice = pluginOf(
  'test.twice',
  `let runs = 0;
   ctx.commands.handle('twice', ({ n }) => { runs += 1; return n === 13 ? 'unlucky' : { n: n * 2 }; });
   ctx.commands.handle('loose', (input) => { runs += 1; return input; });
   ctx.commands.handle('runs', () => runs);
   ctx.commands.handle('self', (input) => ctx.commands.execute('test.twice:twice', input));`,
  {
    contributes: {
      commands: [
        { id: 'twice', input: OBJECT, output: OBJECT },
        { id: 'loose' },
        { id: 'late', input: OBJECT },
      ],
    },
  },
);
const caller = pluginOf(
  'test.caller',
  `ctx.commands.handle('call', (input) => ctx.commands.execute('test.twice:twice', input).catch((error) => [error.code, error.details?.side]));`,
  {
    permissions: { commands: { execute: ['test.twice:*'] } },
  },
);

for (const setting of [
  { isolation: 'worker', createHost },
  { isolation: 'inline' },
] satisfies Setting[]) {
  describe(`${setting.isolation}: schemas of contributed commands`, () => {
    const start = () => startKernel(setting, [twice, caller]);

    it('refuse an input before the plugin sees it, for calls by id from the host, other plugins and the plugin itself', async () => {
      const kernel = await start();
      expect(await kernel.commands.execute('test.twice:twice', { n: 2 })).toEqual({ n: 4 });
      const error = await rejection(kernel.commands.execute('test.twice:twice', { n: 0, m: 1 }));
      expect(error).toMatchObject({
        code: 'call/invalid-input',
        plugin: 'test.twice',
        details: { command: 'test.twice:twice', side: 'caller' },
      });
      expect(
        ((error.details?.issues ?? []) as { path: string }[]).map(({ path }) => path).sort(),
      ).toEqual(['m', 'n']);
      expect((await rejection(kernel.commands.execute('test.twice:twice'))).code).toBe(
        'call/invalid-input',
      );
      expect((await rejection(kernel.commands.execute('test.twice:self', {}))).code).toBe(
        'call/invalid-input',
      );
      expect(await kernel.commands.execute('test.caller:call', { n: 'x' })).toEqual([
        'call/invalid-input',
        'caller',
      ]);
      expect(await kernel.commands.execute('test.caller:call', { n: 3 })).toEqual({ n: 6 });
      expect(await kernel.commands.execute('test.twice:runs')).toBe(2);
    });

    it('refuse an invalid answer and name the provider', async () => {
      const kernel = await start();
      expect(await rejection(kernel.commands.execute('test.twice:twice', { n: 13 }))).toMatchObject(
        {
          code: 'call/invalid-output',
          plugin: 'test.twice',
          details: { side: 'provider' },
        },
      );
      expect(await kernel.commands.execute('test.caller:call', { n: 13 })).toEqual([
        'call/invalid-output',
        'provider',
      ]);
    });

    it('do not affect commands without a schema, for any value', async () => {
      const kernel = await start();
      expect(await kernel.commands.execute('test.twice:loose', new Date(0))).toEqual(new Date(0));
      expect(await kernel.commands.execute('test.twice:loose')).toBe(undefined);
    });

    it('keep the order of the first calls, which wait for the checker to load', async () => {
      const kernel = await startKernel(setting, [
        pluginOf(
          'test.ordered',
          `const seen = []; ctx.commands.handle('note', (n) => { seen.push(n); }); ctx.commands.handle('seen', () => seen);`,
          {
            contributes: { commands: [{ id: 'note', input: { type: 'integer' } }] },
          },
        ),
      ]);
      await Promise.all(
        [1, 2, 3, 4, 5].map((n) => kernel.commands.execute('test.ordered:note', n)),
      );
      expect(await kernel.commands.execute('test.ordered:seen')).toEqual([1, 2, 3, 4, 5]);
    });
  });
}

describe('policy.commands', () => {
  const setting: Setting = { isolation: 'worker', createHost };
  const open = pluginOf(
    'test.open',
    `ctx.commands.handle('public', () => 'public'); ctx.commands.handle('private', () => 'private'); ctx.commands.handle('slow', () => 'slow');`,
    {
      contributes: {
        commands: [
          { id: 'public', requiresAuth: false },
          { id: 'slow', rateLimit: 1 },
        ],
      },
    },
  );
  const start = (
    commands: NonNullable<KernelOptions['policy']>['commands'],
    options: KernelOptions = {},
  ) => startKernel(setting, [open], { ...options, policy: { commands } });
  const outcome = async (kernel: Kernel, command: string, user?: string) =>
    kernel.commands
      .execute(`test.open:${command}`, undefined, user === undefined ? {} : { user })
      .catch((error: { code?: string }) => error.code);

  it('requiresAuth applies to every command whose manifest does not override it', async () => {
    const kernel = await start({ requiresAuth: true });
    expect(await outcome(kernel, 'private')).toBe('call/unauthenticated');
    expect(await outcome(kernel, 'private', 'ada')).toBe('private');
    expect(await outcome(kernel, 'public')).toBe('public');
    kernel.commands.handle('own', () => 'own');
    expect(await kernel.commands.execute('host:own')).toBe('own');
  });

  it('rateLimit applies where neither the plugin nor the application sets a rate', async () => {
    const kernel = await start(
      { rateLimit: 2 },
      { resilience: { 'test.open:public': { rate: 3 } } },
    );
    // All in one turn: a rate is per second.
    const times = async (command: string) => {
      const answers = Array.from({ length: 5 }, () => outcome(kernel, command));
      return (await Promise.all(answers)).filter((answer) => answer === command).length;
    };
    expect(await times('private')).toBe(2);
    expect(await times('slow')).toBe(1);
    expect(await times('public')).toBe(3);
  });

  it.each([
    ['policy.commands.requireAuth', { requireAuth: true }],
    ['policy.commands.requiresAuth', { requiresAuth: 'yes' }],
    ['policy.commands.rateLimit', { rateLimit: 0 }],
    ['policy.commands.rateLimit', { rateLimit: Number.NaN }],
    ['policy.commands', true],
  ])('%s is refused by name when it is invalid', async (option, commands) => {
    expect(await rejection(start(commands as never))).toMatchObject({
      code: 'kernel/invalid-option',
      details: { option },
    });
  });
});
