/** Schedules in which a crash, a stop or a replacement comes in the middle of something else. */

import { packageOf } from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { nextEvent, type Setting } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';
import { idOf, piece } from './schedule-pieces.ts';
import { started } from './schedules.ts';

const [BASE, MIDDLE, HEADS] = ['base', 'middle', 'heads'].map(idOf) as [string, string, string];
const CHAIN = ['base', 'middle', 'top', 'peak'];
/** A restart that comes at once. */
const SOON = { supervision: { backoff: 1, maxBackoff: 1 } };
const outcome = (work: Promise<unknown>) =>
  work.catch(({ code, details }: { readonly code: string; readonly details: object }) => ({
    code,
    details,
  }));

describe.each<Setting>([{ isolation: 'worker', createHost }, { isolation: 'inline' }])(
  `${runtime}, $isolation`,
  (setting) => {
    const open = (names: readonly string[], options = {}) =>
      started(
        setting,
        names.map((name) => piece(name)),
        options,
      );

    it('a kernel that stops ends dependants before what they need, also when that was reloaded', async () => {
      const scene = await open(CHAIN);
      await scene.kernel.plugins.reload(BASE);
      await scene.kernel.stop();
      expect(scene.lines(/^deactivated/)).toEqual(
        ['peak', 'top', 'middle', 'base'].map((name) => `deactivated ${name}`),
      );
    });

    it.each([
      'started once',
      'reloaded',
      'updated',
      'stopped and started',
      'woken',
      'restarted after a crash',
    ])(
      'a kernel that stops: the dependant of a plugin that was %s can call it in its deactivate()',
      async (how) => {
        const saver = pluginOf(
          'test.saver',
          `this.ctx = ctx;`,
          { dependencies: { [BASE]: '^1.0.0' }, permissions: { commands: { execute: ['*'] } } },
          `async deactivate() {
         const { commands } = this.ctx;
         await commands.execute('host:note', await commands.execute('test.base:next').then(() => 'saved', ({ code }) => code));
       },`,
        );
        const scene = await started(setting, [piece('base'), saver], SOON);
        const { plugins, commands } = scene.kernel;
        const notes: unknown[] = [];
        commands.handle('note', (note) => void notes.push(note));
        if (how === 'reloaded') await plugins.reload(BASE);
        if (how === 'updated')
          await plugins.update(BASE, packageOf(piece('base', { version: '1.1.0' })));
        if (how === 'stopped and started') {
          await plugins.deactivate(BASE);
          await plugins.activate(BASE);
        }
        if (how === 'woken') {
          await plugins.hibernate(BASE);
          await scene.next('base');
        }
        if (how === 'restarted after a crash') {
          const restarted = nextEvent(scene.kernel, 'plugin:restarted');
          await scene.crash('base');
          await restarted;
        }
        await scene.kernel.stop();
        expect(notes).toEqual(['saved']);
      },
    );

    it('a plugin whose need crashes for good while it resumes is not announced as resumed', async () => {
      const scene = await open(['base', 'middle', 'top']);
      const { plugins } = scene.kernel;
      await plugins.deactivate(BASE);
      const resuming = scene.hold('middle resume');
      const activated = plugins.activate(BASE);
      await resuming.reached;
      const from = scene.story.length;
      await scene.crash('base');
      resuming.open();
      await activated;
      await expect.poll(() => scene.lines(/^middle suspend/, from)).toEqual(['middle suspend()']);
      await expect.poll(() => scene.state('middle')).toBe('suspended dependency');
      expect(scene.lines(/top|^resumed/, from)).toEqual([]);
      expect(scene.faults).toEqual([]);
    });

    it('a call that waits for a plugin whose need crashes for good while it resumes is refused with the path', async () => {
      const scene = await open(['base', 'middle']);
      const { plugins } = scene.kernel;
      await plugins.deactivate(BASE);
      const resuming = scene.hold('middle resume');
      const activated = plugins.activate(BASE);
      await resuming.reached;
      const refused = outcome(scene.call('middle', 'via'));
      await scene.crash('base');
      resuming.open();
      await activated;
      expect(await refused).toMatchObject({
        code: 'plugin/dependency-failed',
        details: { path: [MIDDLE, BASE] },
      });
    });

    it.each(['plugin:crashed', 'plugin:failed'])(
      'a call that a listener of %s makes waits for the restart',
      async (topic) => {
        const scene = await open(['base'], SOON);
        const { promise, resolve } = Promise.withResolvers<Promise<unknown>>();
        scene.kernel.events.once(topic, () =>
          resolve(outcome(scene.next('base')).then((one) => [one])),
        );
        await scene.crash('base');
        expect(await promise).toEqual([{ version: '1.0.0', n: 1 }]);
      },
    );

    it('a plugin that is stopped, started and stopped again at once is stopped', async () => {
      const scene = await open(['base', 'middle']);
      const { plugins } = scene.kernel;
      await Promise.all([
        plugins.deactivate(BASE),
        plugins.activate(BASE),
        plugins.deactivate(BASE),
      ]);
      expect(scene.states('base', 'middle')).toEqual(['unloaded', 'suspended dependency']);
    });

    it('an automatic rollback starts nothing that was stopped by name', async () => {
      const scene = await started(setting, [piece('base'), piece('heads', { wishes: ['base'] })]);
      const { plugins } = scene.kernel;
      const next = piece('heads', { version: '1.1.0', wishes: ['base'] });
      await plugins.update(HEADS, packageOf(next));
      await plugins.deactivate(BASE);
      await expect.poll(() => scene.guests).toEqual(['heads@1.1.0']);
      const rolledBack = nextEvent(scene.kernel, 'plugin:rolled-back');
      await scene.crash('heads');
      expect(await rolledBack).toMatchObject({ id: HEADS, version: '1.0.0', from: '1.1.0' });
      expect(await scene.next('heads')).toMatchObject({ version: '1.0.0' });
      expect(scene.state('base')).toBe('unloaded');
    });

    it.each(['while its suspend() runs', 'while it is suspended'])(
      'a plugin that crashes %s gets what waited for it once it runs again',
      async (when) => {
        const scene = await open(['base'], SOON);
        const { plugins } = scene.kernel;
        const suspending = scene.hold('base suspend');
        const suspended = outcome(plugins.suspend(BASE));
        await suspending.reached;
        if (when === 'while it is suspended') {
          suspending.open();
          await suspended;
        }
        await scene.tick(1);
        const answer = outcome(scene.next('base'));
        const restarted = nextEvent(scene.kernel, 'plugin:restarted');
        await scene.crash('base');
        suspending.open();
        await restarted;
        await suspended;
        await plugins.resume(BASE);
        await scene.tick(2);
        await expect.poll(() => scene.call('base', 'story')).toContain(2);
        const story = (await scene.call('base', 'story')) as readonly unknown[];
        expect({
          heard: story.filter((one) => typeof one === 'number'),
          answer: await answer,
        }).toEqual({
          heard: [1, 2],
          answer: { version: '1.0.0', n: 1 },
        });
      },
    );

    it('a plugin that is stopped while it waits for its restart stays stopped', async () => {
      const scene = await open(['base', 'middle']);
      const { plugins } = scene.kernel;
      const pausing = scene.hold('middle suspend');
      const thaw = scene.freeze('base');
      const reloaded = outcome(plugins.reload(BASE));
      await pausing.reached;
      thaw();
      const stopped = plugins.deactivate(BASE);
      pausing.open();
      await Promise.all([reloaded, stopped]);
      expect(scene.states('base', 'middle')).toEqual(['unloaded', 'suspended dependency']);
    });
  },
);
