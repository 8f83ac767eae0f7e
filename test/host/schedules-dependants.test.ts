/**
 * Plugins that need each other, in schedules that are hard to get right: what leaves is left first,
 * and what comes back is not used before it is there.
 */

import { packageOf } from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { rejection, type Setting } from '../support/kernels.ts';
import { idOf, piece } from './schedule-pieces.ts';
import { started } from './schedules.ts';

const CHAIN = ['base', 'middle', 'top', 'peak'];
const chain = (...names: readonly string[]) => names.map((name) => piece(name));
const [BASE, MIDDLE, TOP] = CHAIN.map(idOf) as [string, string, string];
/** A restart that comes at once. */
const SOON = { supervision: { backoff: 1, maxBackoff: 1 } };

describe.each<Setting>([{ isolation: 'worker', createHost }, { isolation: 'inline' }])(
  `${runtime}, $isolation`,
  (setting) => {
    const open = (names: readonly string[], options = {}) =>
      started(setting, chain(...names), options);

    it('a kernel that stops ends dependants before what they need', async () => {
      const scene = await open(CHAIN);
      await scene.kernel.stop();
      expect(scene.lines(/^deactivated/)).toEqual(
        ['peak', 'top', 'middle', 'base'].map((name) => `deactivated ${name}`),
      );
      expect(scene.faults).toEqual([]);
      expect(scene.guests).toEqual([]);
    });

    it('a plugin that is stopped while it comes back from a crash leaves after its dependants', async () => {
      const scene = await open(['base', 'middle', 'top'], SOON);
      const starting = scene.hold('middle activate');
      await scene.crash('middle');
      await starting.reached;
      const stopped = scene.kernel.plugins.deactivate(MIDDLE);
      starting.open();
      await stopped;
      expect(scene.states('base', 'middle', 'top')).toEqual([
        'active',
        'unloaded',
        'suspended dependency',
      ]);
      expect(await rejection(scene.next('top'))).toMatchObject({
        code: 'plugin/dependency-failed',
        details: { path: [TOP, MIDDLE] },
      });
      expect(scene.faults).toEqual([]);
      await expect.poll(() => scene.guests).toEqual(['base@1.0.0', 'top@1.0.0']);
    });

    it('all that stand above a plugin pause before it stops, the highest first, and resume from below', async () => {
      const scene = await open(CHAIN);
      await scene.kernel.plugins.deactivate(BASE);
      expect(scene.lines(/^(suspended|deactivated)|suspend\(\)|base deactivate\(\)/)).toEqual([
        'peak suspend()',
        'suspended peak',
        'top suspend()',
        'suspended top',
        'middle suspend()',
        'suspended middle',
        'base deactivate()',
        'deactivated base',
      ]);
      expect(scene.states(...CHAIN)).toEqual([
        'unloaded',
        ...Array(3).fill('suspended dependency'),
      ]);
      await scene.kernel.plugins.activate(BASE);
      expect(scene.states(...CHAIN)).toEqual(Array(4).fill('active'));
      expect(scene.lines(/^resumed/)).toEqual(['resumed middle', 'resumed top', 'resumed peak']);
      expect(scene.faults).toEqual([]);
    });

    it('a version that is disabled while a later one starts leaves when that is there', async () => {
      const scene = await open(['base', 'middle', 'top']);
      const { plugins } = scene.kernel;
      await plugins.install(packageOf(piece('base', { version: '1.2.0' })));
      const starting = scene.hold('base@1.2.0 activate');
      const activated = plugins.activate(`${BASE}@1.2.0`);
      await starting.reached;
      const disabled = plugins.disable(`${BASE}@1.0.0`);
      starting.open();
      await Promise.all([activated, disabled]);
      await expect.poll(() => scene.states('middle', 'top')).toEqual(['active', 'active']);
      expect(await scene.call('middle', 'via')).toMatchObject({ version: '1.2.0' });
      expect(scene.faults).toEqual([]);
      expect(scene.guests).toEqual(['base@1.2.0', 'middle@1.0.0', 'top@1.0.0']);
    });

    it('a plugin that wakes while what it needs crashes for good does not become active', async () => {
      const scene = await open(['base', 'middle']);
      const { plugins } = scene.kernel;
      await scene.next('middle');
      expect(await plugins.hibernate(MIDDLE)).toBe(true);
      const waking = scene.hold('middle activate');
      const refused = rejection(plugins.reload(MIDDLE));
      await waking.reached;
      await scene.crash('base');
      waking.open();
      expect(await refused).toMatchObject({
        code: 'plugin/dependency-failed',
        details: { path: [MIDDLE, BASE] },
      });
      expect(scene.states('base', 'middle')).toEqual(['failed', 'suspended idle']);
      await expect.poll(() => scene.guests).toEqual([]);
      await plugins.activate(BASE);
      expect(await scene.next('middle')).toMatchObject({ n: 2 });
      expect(scene.faults).toEqual([]);
    });

    it('a plugin whose need crashes for good while it resumes is suspended again', async () => {
      const scene = await open(['base', 'middle', 'top']);
      const { plugins } = scene.kernel;
      await plugins.deactivate(BASE);
      const resuming = scene.hold('middle resume');
      const activated = plugins.activate(BASE);
      await resuming.reached;
      await scene.crash('base');
      resuming.open();
      await activated;
      await expect
        .poll(() => scene.lines(/^middle (suspend|resume)/))
        .toEqual(['middle suspend()', 'middle resume()', 'middle suspend()']);
      await expect.poll(() => scene.state('middle')).toBe('suspended dependency');
      expect(await rejection(scene.next('middle'))).toMatchObject({
        code: 'plugin/dependency-failed',
        details: { path: [MIDDLE, BASE] },
      });
      await plugins.activate(BASE);
      expect(scene.states('base', 'middle', 'top')).toEqual(Array(3).fill('active'));
      expect(await scene.call('middle', 'story')).toEqual([
        'suspend',
        'resume',
        'suspend',
        'resume',
      ]);
    });

    it('two plugins that wish for each other both start', async () => {
      const scene = await started(setting, [
        piece('heads', { wishes: ['tails'] }),
        piece('tails', { wishes: ['heads'] }),
      ]);
      expect(scene.states('heads', 'tails')).toEqual(['active', 'active']);
      await scene.kernel.plugins.deactivate(idOf('heads'));
      await scene.kernel.plugins.deactivate(idOf('tails'));
      await Promise.all(
        ['heads', 'tails'].map((name) => scene.kernel.plugins.activate(idOf(name))),
      );
      expect(scene.states('heads', 'tails')).toEqual(['active', 'active']);
    });

    it('a plugin that is stopped by name stays stopped, though one that was started by name needs it', async () => {
      const scene = await open(['base', 'middle']);
      const { plugins } = scene.kernel;
      await plugins.activate(MIDDLE);
      await plugins.deactivate(BASE);
      const from = scene.story.length;
      expect(await rejection(scene.next('middle'))).toMatchObject({
        code: 'plugin/dependency-failed',
        details: { path: [MIDDLE, BASE] },
      });
      expect(scene.states('base', 'middle')).toEqual(['unloaded', 'suspended dependency']);
      expect(scene.lines(/base/, from)).toEqual([]);
    });

    it('activating a plugin that runs does not start what its wishes lead down to', async () => {
      const scene = await started(setting, [
        ...chain('base', 'middle'),
        piece('heads', { wishes: ['tails', 'middle'] }),
        piece('tails', { wishes: ['heads'] }),
      ]);
      const { plugins } = scene.kernel;
      await plugins.deactivate(BASE);
      await plugins.activate(idOf('tails'));
      await Promise.all(['heads', 'tails'].map((name) => scene.next(name)));
      expect(scene.states('base', 'middle', 'heads', 'tails')).toEqual([
        'unloaded',
        'suspended dependency',
        'active',
        'active',
      ]);
    });

    it('a plugin that is started again while it stops: its dependants resume on the next guest only', async () => {
      const scene = await open(['base', 'middle']);
      const { plugins } = scene.kernel;
      const stopping = scene.hold('base deactivate');
      const stopped = plugins.deactivate(BASE);
      await stopping.reached;
      const activated = plugins.activate(BASE);
      stopping.open();
      await Promise.all([stopped, activated]);
      expect(
        scene.lines(
          /^(suspended|deactivated|activated|resumed)/,
          scene.story.indexOf('suspended middle'),
        ),
      ).toEqual(['suspended middle', 'deactivated base', 'activated base', 'resumed middle']);
      expect(scene.states('base', 'middle')).toEqual(['active', 'active']);
      expect(await scene.call('middle', 'via')).toMatchObject({ n: 1 });
      expect(scene.faults).toEqual([]);
      expect(scene.guests).toEqual(['base@1.0.0', 'middle@1.0.0']);
    });

    it('a plugin that is disabled, gets a later version and is enabled at once: dependants pause while no version is there', async () => {
      const scene = await open(['base', 'middle', 'top']);
      const { plugins } = scene.kernel;
      await Promise.all([
        plugins.disable(BASE),
        plugins.install(packageOf(piece('base', { version: '1.2.0' }))),
        plugins.enable(BASE),
      ]);
      // Whether the new version was there when its plugin was enabled is left open.
      await plugins.activate(`${BASE}@1.2.0`);
      expect(['1.0.0', '1.2.0'].map((version) => scene.state('base', version))).toEqual([
        'active',
        'active',
      ]);
      await expect.poll(() => scene.states('middle', 'top')).toEqual(['active', 'active']);
      expect(await scene.call('middle', 'via')).toMatchObject({ version: '1.2.0' });
      expect(scene.faults).toEqual([]);
    });

    it('a call that starts a plugin whose need crashes meanwhile is answered when that is back', async () => {
      const scene = await started(setting, [piece('base'), piece('middle', { lazy: true })], SOON);
      const starting = scene.hold('middle activate');
      const answer = scene.next('middle');
      await starting.reached;
      await scene.crash('base');
      starting.open();
      expect(await answer).toMatchObject({ n: 1 });
      expect(scene.states('base', 'middle')).toEqual(['active', 'active']);
      expect(scene.faults).toEqual([]);
      await expect.poll(() => scene.guests).toEqual(['base@1.0.0', 'middle@1.0.0']);
    });

    it('a call that starts a plugin whose need crashes for good is refused with the path, and a later one starts it', async () => {
      const scene = await started(setting, [piece('base'), piece('middle', { lazy: true })]);
      const starting = scene.hold('middle activate');
      const refused = rejection(scene.next('middle'));
      await starting.reached;
      await scene.crash('base');
      starting.open();
      expect(await refused).toMatchObject({
        code: 'plugin/dependency-failed',
        details: { path: [MIDDLE, BASE] },
      });
      await expect.poll(() => scene.guests).toEqual([]);
      await scene.kernel.plugins.activate(BASE);
      expect(await scene.next('middle')).toMatchObject({ n: 1 });
      expect(scene.faults).toEqual([]);
    });
  },
);
