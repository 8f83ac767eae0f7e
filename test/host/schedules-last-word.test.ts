/**
 * A later word on a plugin counts, also for what an earlier one has begun: starts that wait, needs
 * of other plugins, restarts, pauses that are refused.
 */

import { packageOf } from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { nextEvent, rejection, type Setting } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';
import { idOf, piece, type Shape } from './schedule-pieces.ts';
import { started } from './schedules.ts';

const [BASE, MIDDLE, LONE] = ['base', 'middle', 'lone'].map(idOf) as [string, string, string];

/** A back-off that no test waits for, unless it makes it short. */
const PATIENT = { backoff: 60_000, maxBackoff: 60_000, crashes: 9 };

describe.each<Setting>([{ isolation: 'worker', createHost }, { isolation: 'inline' }])(
  `${runtime}, $isolation`,
  (setting) => {
    const open = (names: readonly string[], options = {}, shape: Shape = {}) =>
      started(
        setting,
        names.map((name) => piece(name, shape)),
        options,
      );

    /** Lets the turns pass in which what was asked for begins. */
    const turns = async () => {
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve));
    };

    it('a plugin that is uninstalled is not started by what needs it, while others still change', async () => {
      const scene = await open(['base', 'middle', 'lone', 'pair']);
      const { plugins } = scene.kernel;
      await plugins.deactivate(MIDDLE);
      await plugins.deactivate(LONE);
      const resuming = scene.hold('pair resume');
      const back = plugins.activate(LONE);
      await resuming.reached;
      const stopping = scene.hold('base deactivate');
      const removed = plugins.uninstall(BASE);
      await stopping.reached;
      const needs = rejection(plugins.activate(MIDDLE));
      await turns();
      stopping.open();
      await expect.poll(() => scene.lines(/^unloaded base/)).toHaveLength(1);
      await turns();
      expect(await rejection(scene.next('base'))).toMatchObject({ code: 'plugin/unavailable' });
      resuming.open();
      await Promise.all([removed, back]);
      expect(await needs).toMatchObject({ code: expect.stringMatching(/^plugin\//) });
      expect(plugins.get(BASE)).toBeUndefined();
      await scene.kernel.stop();
      expect(scene.guests).toEqual([]);
    });

    it('a stop by name ends the wants of other plugins that are older', async () => {
      const scene = await open(['base', 'middle'], {}, { lazy: true });
      const { plugins } = scene.kernel;
      const starting = scene.hold('base activate');
      const wanted = rejection(plugins.activate(MIDDLE));
      await starting.reached;
      const stopped = plugins.deactivate(BASE);
      starting.open();
      await stopped;
      expect(await wanted).toMatchObject({ code: 'plugin/dependency-failed' });
      await turns();
      expect(scene.state('base')).toBe('unloaded');
      expect(scene.guests).toEqual([]);
      await plugins.activate(MIDDLE);
      expect(scene.states('base', 'middle')).toEqual(['active', 'active']);
      expect(scene.faults).toEqual([]);
    });

    it('a call or an event that finds a plugin stopping does not start it again', async () => {
      const scene = await open(['base'], {}, { lazy: true });
      const { plugins } = scene.kernel;
      await plugins.activate(BASE);
      const stopping = scene.hold('base deactivate');
      const stopped = plugins.deactivate(BASE);
      await stopping.reached;
      const called = rejection(scene.next('base'));
      await scene.tick(1);
      stopping.open();
      await stopped;
      expect(await called).toMatchObject({ code: 'plugin/unavailable' });
      await turns();
      expect(scene.state('base')).toBe('unloaded');
      expect(scene.guests).toEqual([]);
    });

    it('a stop by name also ends the want of a plugin that waits for its restart', async () => {
      const scene = await open(['base', 'middle'], { supervision: PATIENT });
      const { plugins } = scene.kernel;
      await plugins.deactivate(MIDDLE);
      await scene.crash('base');
      const wanted = rejection(plugins.activate(MIDDLE));
      await turns();
      await plugins.deactivate(BASE);
      expect(await wanted).toMatchObject({ code: 'plugin/dependency-failed' });
      await turns();
      expect(scene.states('base', 'middle')).toEqual(['unloaded', 'failed']);
      expect(scene.guests).toEqual([]);
    });

    it.each(['reload', 'update', 'activate'] as const)(
      '%s during a back-off: calls and events that wait are answered by what runs then',
      async (verb) => {
        const scene = await open(['base'], { supervision: PATIENT });
        const { plugins } = scene.kernel;
        await scene.crash('base');
        const call = scene.next('base');
        await scene.tick(7);
        await turns();
        if (verb === 'update')
          await plugins.update(BASE, packageOf(piece('base', { version: '1.5.0' })));
        else await plugins[verb](BASE);
        expect(await call).toEqual({ version: verb === 'update' ? '1.5.0' : '1.0.0', n: 1 });
        expect(await scene.call('base', 'story')).toEqual([7]);
        expect(scene.kernel.metrics.snapshot().droppedDeliveries).toBe(0);
      },
    );

    it.each(['reload', 'update', 'activate'] as const)(
      '%s that fails during a back-off leaves the restart, and what waits for it',
      async (verb) => {
        const scene = await started(
          setting,
          [
            pluginOf(
              LONE,
              `const nth = ((await ctx.storage.get('nth')) ?? 0) + 1;
               await ctx.storage.set('nth', nth);
               if (nth === 2) throw new Error('not yet');
               ctx.commands.handle('next', () => nth);`,
              { permissions: { storage: { read: true, write: true } } },
            ),
          ],
          { supervision: { ...PATIENT, backoff: 400, maxBackoff: 400 } },
        );
        const { plugins } = scene.kernel;
        const restarted = nextEvent(scene.kernel, 'plugin:restarted');
        await scene.crash('lone');
        const call = scene.next('lone');
        const bad = packageOf(pluginOf(LONE, `throw new Error('bad')`, { version: '1.1.0' }));
        const verbs = {
          reload: () => plugins.reload(LONE),
          activate: () => plugins.activate(LONE),
          update: () => plugins.update(LONE, bad),
        };
        expect((await rejection(verbs[verb]())).message).toMatch(/not yet|bad/);
        expect(plugins.explain(LONE).restart).toBeDefined();
        if (verb === 'update') await rejection(plugins.activate(LONE));
        await restarted;
        expect(await call).toBe(3);
      },
    );

    it('a pause that is refused leaves the one before in force', async () => {
      const scene = await open(['base'], {
        supervision: { ...PATIENT, backoff: 300, maxBackoff: 300 },
      });
      const { plugins } = scene.kernel;
      await plugins.suspend(BASE);
      const restarted = nextEvent(scene.kernel, 'plugin:restarted');
      await scene.crash('base');
      expect(await rejection(plugins.suspend(BASE))).toMatchObject({
        code: 'plugin/illegal-transition',
      });
      await restarted;
      expect(scene.state('base')).toBe('suspended request');
      await plugins.resume(BASE);
      expect(await scene.next('base')).toMatchObject({ n: 1 });
    });

    it('a plugin whose resume fails stays paused, and says so', async () => {
      const scene = await open(['base'], {}, { bad: 'resume' });
      const { plugins } = scene.kernel;
      await plugins.suspend(BASE);
      await rejection(plugins.resume(BASE));
      expect(scene.state('base')).toBe('suspended request');
      // A call does not resume it either.
      const called = rejection(scene.call('base', 'next', 50));
      expect(await called).toMatchObject({ code: 'call/timeout' });
      expect(scene.lines(/resume\(\)/)).toHaveLength(1);
    });

    it('a start that another start waits for needs no slot', async () => {
      const needs = (name: string, code: string, ...below: readonly string[]) =>
        pluginOf(idOf(name), code, {
          dependencies: Object.fromEntries(below.map((one) => [idOf(one), '^1.0.0'])),
          permissions: { commands: { execute: ['test.*'] } },
          activation: below.length > 0 ? ['startup'] : [],
        });
      const call = `await ctx.commands.execute('${BASE}:next');`;
      // The two slots are taken by `one` and `two`, whose calls wait for `base`, which is next.
      const scene = await started(
        setting,
        [
          needs('first', '', 'one', 'two'),
          needs('second', '', 'base'),
          needs('one', call),
          needs('two', call),
          needs('base', `ctx.commands.handle('next', () => 1);`),
        ],
        { limits: { parallel: 2 } },
      );
      for (const name of ['base', 'one', 'two', 'first', 'second'])
        expect(scene.state(name)).toBe('active');
    });

    it('a sleeping plugin that cannot wake as another version is told once, and not as crashed', async () => {
      const scene = await open(['heads']);
      const { plugins } = scene.kernel;
      await scene.next('heads');
      await plugins.hibernate(idOf('heads'));
      const waking = scene.hold('heads activate');
      const bad = packageOf(piece('heads', { version: '1.4.0', bad: 'activate' }));
      const refused = rejection(plugins.update(idOf('heads'), bad));
      await waking.reached;
      const listed = () => plugins.list().filter(({ id }) => id === idOf('heads'));
      expect(listed()).toHaveLength(1);
      waking.open();
      expect((await refused).message).toMatch(/bad activate/);
      expect(listed()).toMatchObject([{ version: '1.0.0', state: 'suspended' }]);
      expect(scene.lines(/^crashed/)).toEqual([]);
      expect(await scene.next('heads')).toEqual({ version: '1.0.0', n: 2 });
    });
  },
);
