/**
 * Requests that meet on one plugin, in schedules that are hard to get right: each of them settles,
 * and the last one counts.
 */

import { packageOf } from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { rejection, type Setting } from '../support/kernels.ts';
import { idOf, piece } from './schedule-pieces.ts';
import { type Scene, started } from './schedules.ts';

const [BASE, MIDDLE, HEADS] = ['base', 'middle', 'heads'].map(idOf) as [string, string, string];
const settled = (...works: readonly Promise<unknown>[]) => Promise.allSettled(works);
const outcome = (work: Promise<unknown>) =>
  work.then(
    () => 'resolved',
    (error: { readonly code?: string }) => String(error.code),
  );

describe.each<Setting>([{ isolation: 'worker', createHost }, { isolation: 'inline' }])(
  `${runtime}, $isolation`,
  (setting) => {
    const open = (names: readonly string[], options = {}) =>
      started(
        setting,
        names.map((name) => piece(name)),
        options,
      );

    it('requests that contradict each other all settle, and the last one counts', async () => {
      const scene = await open(['base', 'middle']);
      const { plugins } = scene.kernel;
      await Promise.all([plugins.deactivate(BASE), plugins.activate(BASE)]);
      await expect.poll(() => scene.states('base', 'middle')).toEqual(['active', 'active']);
      await plugins.deactivate(BASE);
      await Promise.all([plugins.activate(BASE), plugins.deactivate(BASE)]);
      expect(scene.states('base', 'middle')).toEqual(['unloaded', 'suspended dependency']);
      await Promise.all([plugins.activate(BASE), plugins.deactivate(BASE), plugins.activate(BASE)]);
      await expect.poll(() => scene.states('base', 'middle')).toEqual(['active', 'active']);
      expect(scene.faults).toEqual([]);
    });

    it('starting a dependant by name while what it needs is stopped starts both, and the stop settles', async () => {
      const scene = await open(['base', 'middle']);
      const { plugins } = scene.kernel;
      await plugins.deactivate(MIDDLE);
      await Promise.all([plugins.deactivate(BASE), plugins.activate(MIDDLE)]);
      await expect.poll(() => scene.states('base', 'middle')).toEqual(['active', 'active']);
      expect(scene.faults).toEqual([]);
    });

    it('a plugin that wakes while another version is put in its place answers the call that woke it, and then as that version', async () => {
      const scene = await open(['heads']);
      const { plugins } = scene.kernel;
      await scene.next('heads');
      expect(await plugins.hibernate(HEADS)).toBe(true);
      const waking = scene.hold('heads activate');
      const answer = scene.next('heads');
      await waking.reached;
      const reloaded = plugins.reload(HEADS, packageOf(piece('heads', { version: '1.4.0' })));
      waking.open();
      expect(await answer).toMatchObject({ n: 2 });
      await reloaded;
      expect(scene.kernel.plugins.get(HEADS)).toMatchObject({ version: '1.4.0', state: 'active' });
      expect(await scene.next('heads')).toEqual({ version: '1.4.0', n: 3 });
      await expect.poll(() => scene.guests).toEqual(['heads@1.4.0']);
    });

    it('a plugin that wakes while a version that refuses its state is put in its place goes on as it is', async () => {
      const scene = await open(['heads']);
      const { plugins } = scene.kernel;
      await scene.next('heads');
      expect(await plugins.hibernate(HEADS)).toBe(true);
      const waking = scene.hold('heads activate');
      const answer = scene.next('heads');
      await waking.reached;
      const picky = piece('heads', { version: '1.4.0', bad: 'restoreState' });
      const refused = rejection(plugins.reload(HEADS, packageOf(picky)));
      waking.open();
      expect(await answer).toEqual({ version: '1.0.0', n: 2 });
      expect(await refused).toMatchObject({ message: expect.stringMatching(/bad state/) });
      expect(plugins.get(HEADS)).toMatchObject({ version: '1.0.0', state: 'active' });
      expect(await scene.next('heads')).toEqual({ version: '1.0.0', n: 3 });
      await expect.poll(() => scene.guests).toEqual(['heads@1.0.0']);
    });

    /** A hung plugin is being restarted, and waits for its dependant to pause. */
    const restarting = async (scene: Scene) => {
      await scene.next('base');
      const pausing = scene.hold('middle suspend');
      const thaw = scene.freeze('base');
      const reloaded = scene.kernel.plugins.reload(BASE);
      await pausing.reached;
      thaw();
      return { reloaded, pausing };
    };

    it('a plugin that is hibernated while it waits for its restart hands its state over once', async () => {
      const scene = await open(['base', 'middle']);
      const { reloaded, pausing } = await restarting(scene);
      const slept = settled(scene.kernel.plugins.hibernate(BASE));
      pausing.open();
      await reloaded;
      await slept;
      expect(await scene.next('base')).toMatchObject({ n: 2 });
      await expect.poll(() => scene.states('base', 'middle')).toEqual(['active', 'active']);
      await expect.poll(() => scene.guests).toEqual(['base@1.0.0', 'middle@1.0.0']);
      expect(scene.faults).toEqual([]);
    });

    it('a plugin that is stopped while it waits for its restart: reload and stop both settle', async () => {
      const scene = await open(['base', 'middle']);
      const { reloaded, pausing } = await restarting(scene);
      const stopped = scene.kernel.plugins.deactivate(BASE);
      pausing.open();
      await settled(reloaded);
      await stopped;
      await scene.kernel.plugins.activate(BASE);
      expect(await scene.next('base')).toMatchObject({ version: '1.0.0' });
      await expect.poll(() => scene.states('base', 'middle')).toEqual(['active', 'active']);
      await expect.poll(() => scene.guests).toEqual(['base@1.0.0', 'middle@1.0.0']);
      expect(scene.faults).toEqual([]);
    });

    it('a pause or a sleep that the plugin refuses, and a version that cannot start, are taken back', async () => {
      const scene = await started(setting, [
        piece('base', { bad: 'suspend' }),
        piece('heads', { bad: 'getState' }),
        piece('lone'),
      ]);
      const { plugins } = scene.kernel;
      expect(await outcome(plugins.suspend(BASE))).toBe('plugin/hook-failed');
      expect(await outcome(plugins.hibernate(HEADS))).toBe('plugin/hook-failed');
      const broken = packageOf(piece('lone', { version: '1.3.0', bad: 'activate' }));
      expect((await rejection(plugins.update(idOf('lone'), broken))).message).toMatch(
        /bad activate/,
      );
      const from = scene.story.length;
      for (const name of ['base', 'heads', 'lone'])
        expect(await scene.next(name)).toEqual({ version: '1.0.0', n: 1 });
      expect(scene.states('base', 'heads', 'lone')).toEqual(Array(3).fill('active'));
      expect(scene.story.slice(from)).toEqual([]);
    });

    it('a plugin that is disabled while its versions are enabled stays disabled with all of them', async () => {
      const scene = await open(['base', 'middle']);
      const { plugins } = scene.kernel;
      await plugins.install(packageOf(piece('middle', { version: '1.1.0' })));
      await plugins.disable(MIDDLE);
      const first = scene.hold('middle activate');
      const enabled = plugins.enable(MIDDLE);
      await first.reached;
      const disabled = plugins.disable(MIDDLE);
      first.open();
      await Promise.all([enabled, disabled]);
      const all = plugins.list().filter(({ id }) => id === MIDDLE);
      expect(all.map(({ enabled: may }) => may)).toEqual([false, false]);
      expect(scene.guests).toEqual(['base@1.0.0']);
      expect((await rejection(scene.next('middle'))).code).toBe('plugin/unavailable');
    });

    it('a plugin that is activated while its versions are uninstalled is gone with all of them', async () => {
      const scene = await open(['base', 'middle']);
      const { plugins } = scene.kernel;
      await plugins.install(packageOf(piece('middle', { version: '1.1.0' })));
      await plugins.activate(`${MIDDLE}@1.1.0`);
      const stopping = scene.hold('middle deactivate');
      const uninstalled = plugins.uninstall(MIDDLE);
      await stopping.reached;
      const activated = settled(
        plugins.activate(`${MIDDLE}@1.0.0`),
        plugins.activate(`${MIDDLE}@1.1.0`),
      );
      stopping.open();
      await uninstalled;
      await activated;
      expect(plugins.get(MIDDLE)).toBeUndefined();
      expect(scene.guests).toEqual(['base@1.0.0']);
    });

    for (const verb of ['deactivate', 'disable'] as const)
      it(`${verb} during an uninstall settles when no guest lives any more`, async () => {
        const scene = await open(['base']);
        const { plugins } = scene.kernel;
        const stopping = scene.hold('base deactivate');
        const guestsAfter = (work: Promise<unknown>) =>
          work.then(
            () => scene.guests,
            () => scene.guests,
          );
        const uninstalled = guestsAfter(plugins.uninstall(BASE));
        await stopping.reached;
        const other = guestsAfter(plugins[verb](BASE));
        stopping.open();
        expect(await Promise.all([uninstalled, other])).toEqual([[], []]);
        expect(plugins.get(BASE)).toBeUndefined();
      });

    it('a second reload that has its turn after a stop does not lift it', async () => {
      const scene = await open(['base', 'middle']);
      const { plugins } = scene.kernel;
      const starting = scene.hold('middle activate');
      const reloads = settled(plugins.reload(MIDDLE), plugins.reload(MIDDLE));
      await starting.reached;
      const stopped = plugins.deactivate(BASE);
      starting.open();
      await reloads;
      await stopped;
      expect(scene.states('base', 'middle')).toEqual(['unloaded', 'suspended dependency']);
      expect(scene.lines(/^activated base/)).toEqual(['activated base']);
      expect(scene.faults).toEqual([]);
    });
  },
);
