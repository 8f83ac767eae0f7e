/**
 * Random operations on plugins that need each other, one at a time and concurrently; short and
 * seeded here. And tests of the model: it must detect each deliberately broken host, kernel and
 * plugin, and report nothing for sound ones.
 */

import type { Guest, Host, Kernel } from '@plinth/kernel';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { type Operation, runSchedule, type Setting, sequences, storms } from './lifecycle-model.ts';

const seed = 20_261_121;
const settings: readonly (readonly [string, Setting, number])[] = [
  ['inline', { isolation: 'inline' }, 30],
  [`${runtime} worker`, { isolation: 'worker', createHost }, 8],
];

describe('lifecycle model', () => {
  for (const [where, setting, numRuns] of settings) {
    it(`${where}: one at a time, every operation does what the model predicts`, {
      timeout: 60_000,
    }, async () => {
      await fc.assert(
        fc.asyncProperty(sequences, (schedule) => runSchedule(schedule, setting)),
        { numRuns, seed, endOnFailure: true },
      );
    });

    it(`${where}: concurrently, everything settles into a valid state`, {
      timeout: 60_000,
    }, async () => {
      await fc.assert(
        fc.asyncProperty(storms, (schedule) => runSchedule(schedule, setting)),
        { numRuns, seed, endOnFailure: true },
      );
    });
  }
});

/** Schedules that once failed. */
const lessons: Readonly<Record<string, readonly (readonly Operation[])[]>> = {
  'one that waits for what is gone is not replaced by one that runs without': [
    [{ kind: 'suspend', name: 'middle' }],
    [{ kind: 'uninstall', name: 'base' }],
    [{ kind: 'reload', name: 'top' }],
  ],
  'a plugin resumed for one that is about to be paused does not stay without it': [
    [{ kind: 'hibernate', name: 'base' }],
    [
      { kind: 'uninstall', name: 'wish' },
      { kind: 'deactivate', name: 'base' },
    ],
  ],
  'a plugin that failed for a missing dependency is retried when that is back': [
    [{ kind: 'disable', name: 'base' }],
    [{ kind: 'deactivate', name: 'middle' }],
    [{ kind: 'activate', name: 'middle' }],
    [{ kind: 'enable', name: 'base' }],
    [{ kind: 'call', name: 'middle' }],
  ],
  'one that cannot be resolved any more says so, also when it is asked for by name': [
    [{ kind: 'install', name: 'middle', which: 'two' }],
    [{ kind: 'uninstall', name: 'base' }],
    [{ kind: 'reload', name: 'middle' }],
    [{ kind: 'activate', name: 'middle' }],
    [{ kind: 'install', name: 'base', which: 'one' }],
  ],
  'what is stopped while another that needs it is updated takes the new version with it': [
    [
      { kind: 'resume', name: 'middle' },
      { kind: 'update', name: 'middle', which: 'two' },
      { kind: 'deactivate', name: 'base' },
    ],
  ],
};

describe('lessons of the lifecycle model', () => {
  for (const [where, setting] of settings)
    for (const [what, batches] of Object.entries(lessons))
      it(`${where}: ${what}`, () => runSchedule({ batches, trial: 0 }, setting));
});

/** A host with altered guests. */
const guests =
  (change: (guest: Guest) => Guest) =>
  (host: Host): Host => ({
    isolations: host.isolations,
    launch: async (request) => change(await host.launch(request)),
  });
/** A kernel in which one operation is replaced. */
const plugins =
  (change: (plugins: Kernel['plugins']) => Partial<Kernel['plugins']>) =>
  (kernel: Kernel): Kernel => ({
    ...kernel,
    plugins: { ...kernel.plugins, ...change(kernel.plugins) },
  });
const execute =
  (change: (run: () => Promise<unknown>, n: number) => Promise<unknown>) =>
  (kernel: Kernel): Kernel => {
    let n = 0;
    return {
      ...kernel,
      commands: {
        ...kernel.commands,
        execute: ((...args: Parameters<typeof kernel.commands.execute>) =>
          change(() => kernel.commands.execute(...args), ++n)) as typeof kernel.commands.execute,
      },
    };
  };
const plugin = (from: string, to: string) => (text: string) => text.replace(from, to);

const mutants: readonly (readonly [string, Partial<Setting>])[] = [
  [
    'terminate() does nothing',
    {
      changeHost: guests((guest) => ({
        endpoint: guest.endpoint,
        exited: guest.exited,
        terminate: async () => {},
      })),
    },
  ],
  ['uninstall only disables', { changeKernel: plugins(({ disable }) => ({ uninstall: disable })) }],
  [
    'a plugin gives a number twice',
    { changePlugin: plugin('state.n += 1;', 'if (state.n !== 2) state.n += 1;') },
  ],
  ['a plugin takes no state', { changePlugin: plugin('this.state = state;', '') }],
  [
    'a plugin gives the state it had at first',
    { changePlugin: plugin('return this.state;', `return { ...this.state, n: 0 };`) },
  ],
  [
    'a version answers as another',
    { changePlugin: plugin(`version: '1.1.0'`, `version: '1.0.0'`) },
  ],
  ['deactivate does nothing', { changeKernel: plugins(() => ({ deactivate: async () => {} })) }],
  ['suspend stops', { changeKernel: plugins(({ deactivate }) => ({ suspend: deactivate })) }],
  ['hibernate only says so', { changeKernel: plugins(() => ({ hibernate: async () => true })) }],
  [
    'a rejection has no code',
    {
      changeKernel: plugins(({ resume }) => ({
        resume: (id) => resume(id).catch(() => Promise.reject(new Error('no'))),
      })),
    },
  ],
  [
    'a call is delivered twice',
    {
      changeKernel: execute((run, n) =>
        n % 5 === 0 ? Promise.all([run(), run()]).then(([answer]) => answer) : run(),
      ),
    },
  ],
];

describe('the lifecycle model', () => {
  const check = (mutant: Partial<Setting>) =>
    fc.check(
      fc.asyncProperty(fc.oneof(sequences, storms), (schedule) =>
        runSchedule(schedule, { isolation: 'inline', ...mutant }),
      ),
      { numRuns: 40, seed, endOnFailure: true },
    );

  it('finds nothing: wrappings that change nothing', async () => {
    const sound = {
      changeHost: guests((guest) => guest),
      changeKernel: plugins((same) => same),
      changePlugin: (text: string) => text,
    };
    expect(await check(sound)).toMatchObject({ failed: false, errorInstance: null });
  });

  for (const [what, mutant] of mutants) {
    it(`finds: ${what}`, async () => {
      expect(await check(mutant)).toMatchObject({ failed: true });
    });
  }
});
