/**
 * Calls and events in schedules that are hard to get right: none is lost, delivered twice or let
 * past a guard.
 */

import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import type { Setting } from '../support/kernels.ts';
import { idOf, piece } from './schedule-pieces.ts';
import { sceneOf, started } from './schedules.ts';

const BASE = idOf('base');
const GUARD = idOf('guard');
const guard = () => piece('guard', { guards: 'command:test.base:*' });

describe.each<Setting>([{ isolation: 'worker', createHost }, { isolation: 'inline' }])(
  `${runtime}, $isolation`,
  (setting) => {
    it('events around a reload and a suspension are heard once, in order, and none while it is suspended', async () => {
      const scene = await started(setting, [piece('base')]);
      const { plugins } = scene.kernel;
      const starting = scene.hold('base activate');
      const reloaded = plugins.reload(BASE);
      await starting.reached;
      const suspended = plugins.suspend(BASE);
      await scene.tick(1);
      starting.open();
      await Promise.all([reloaded, suspended]);
      expect(scene.state('base')).toBe('suspended request');
      await scene.tick(2);
      await plugins.resume(BASE);
      await scene.tick(3);
      await expect.poll(() => scene.call('base', 'story')).toHaveLength(5);
      const story = (await scene.call('base', 'story')) as readonly unknown[];
      expect(story.filter((one) => typeof one === 'number')).toEqual([1, 2, 3]);
      // The first event may come before the pause or after it, the second one only after it.
      const pause = story.indexOf('suspend');
      expect(story[pause + 1]).toBe('resume');
      expect(story.indexOf(2)).toBeGreaterThan(pause);
    });

    it('a call that arrives while a plugin gives its state to hibernate is answered once', async () => {
      const scene = await started(setting, [piece('base')]);
      const asking = scene.hold('base getState');
      const slept = scene.kernel.plugins.hibernate(BASE);
      await asking.reached;
      const answer = scene.next('base');
      asking.open();
      expect(await answer).toMatchObject({ n: 1 });
      expect(typeof (await slept)).toBe('boolean');
      expect(await scene.next('base')).toMatchObject({ n: 2 });
    });

    it('a call between two requests to hibernate is answered once', async () => {
      const scene = await started(setting, [piece('base')]);
      const { plugins } = scene.kernel;
      const asking = scene.hold('base getState');
      const first = plugins.hibernate(BASE);
      await asking.reached;
      const answer = scene.next('base');
      const second = plugins.hibernate(BASE);
      asking.open();
      expect(await answer).toMatchObject({ n: 1 });
      expect((await Promise.all([first, second])).map((one) => typeof one)).toEqual([
        'boolean',
        'boolean',
      ]);
      expect(await scene.next('base')).toMatchObject({ n: 2 });
    });

    it('a call that waits for a guard which is reloaded and then hibernated is answered through it', async () => {
      const scene = await started(setting, [piece('base'), guard()]);
      const { plugins } = scene.kernel;
      const starting = scene.hold('guard activate');
      const reloaded = plugins.reload(GUARD);
      await starting.reached;
      const answer = scene.next('base');
      const slept = plugins.hibernate(GUARD);
      starting.open();
      expect(await answer).toEqual({ guarded: true, version: '1.0.0', n: 1 });
      await reloaded;
      expect(typeof (await slept)).toBe('boolean');
      expect(await scene.next('base')).toEqual({ guarded: true, version: '1.0.0', n: 2 });
    });

    for (const topic of ['plugin:crashed', 'plugin:failed'])
      it(`calls to a dependant that a listener of ${topic} makes wait for the restart`, async () => {
        const scene = await started(setting, [piece('base'), piece('middle')], {
          supervision: { backoff: 1, maxBackoff: 1 },
        });
        const answers: Promise<unknown>[] = [];
        scene.kernel.events.once(topic, () => {
          answers.push(scene.next('middle'), scene.call('middle', 'via'));
        });
        await scene.crash('base');
        await expect.poll(() => answers).toHaveLength(2);
        expect(await Promise.all(answers)).toEqual(Array(2).fill({ version: '1.0.0', n: 1 }));
        expect(await scene.next('base')).toEqual({ version: '1.0.0', n: 2 });
        await expect.poll(() => scene.states('base', 'middle')).toEqual(['active', 'active']);
      });

    it('a call that is made while a guard starts with the kernel does not go past it', async () => {
      const scene = await sceneOf(setting, [piece('base'), guard()]);
      const starting = scene.hold('guard activate');
      const running = scene.kernel.start();
      await starting.reached;
      await expect.poll(() => scene.state('base')).toBe('active');
      const answer = scene.next('base');
      starting.open();
      expect(await answer).toEqual({ guarded: true, version: '1.0.0', n: 1 });
      await running;
    });

    it('a call that is made while a guard is started again does not go past it', async () => {
      const scene = await started(setting, [piece('base'), guard()]);
      const { plugins } = scene.kernel;
      await plugins.deactivate(GUARD);
      const starting = scene.hold('guard activate');
      const activated = plugins.activate(GUARD);
      await starting.reached;
      const answer = scene.next('base');
      starting.open();
      await activated;
      expect(await answer).toEqual({ guarded: true, version: '1.0.0', n: 1 });
    });
  },
);
