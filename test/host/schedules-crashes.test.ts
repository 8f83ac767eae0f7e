/**
 * Guests that die while something is in flight with them: it settles, and a dead guest is neither
 * used nor left.
 */

import { packageOf } from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { nextEvent, type Setting } from '../support/kernels.ts';
import { idOf, piece } from './schedule-pieces.ts';
import { type Scene, started } from './schedules.ts';

const BASE = idOf('base');
/** A restart that comes at once. */
const SOON = { supervision: { backoff: 1, maxBackoff: 1 } };
const outcome = (work: Promise<unknown>) =>
  work.then(
    () => 'resolved',
    (error: { readonly code?: string }) => String(error.code),
  );

/** What is in flight while a guest dies, with the hook in which it is then. */
const inFlight: readonly {
  readonly what: string;
  readonly at: string;
  readonly before?: (scene: Scene) => Promise<unknown>;
  readonly begin: (scene: Scene) => Promise<unknown>;
  readonly ends: RegExp;
  readonly after: readonly string[];
}[] = [
  {
    what: 'is suspended',
    at: 'base suspend',
    begin: ({ kernel }) => kernel.plugins.suspend(BASE),
    ends: /^guest\//,
    after: ['active', 'suspended request'],
  },
  {
    what: 'resumes',
    at: 'base resume',
    before: ({ kernel }) => kernel.plugins.suspend(BASE),
    begin: ({ kernel }) => kernel.plugins.resume(BASE),
    ends: /^guest\/|^resolved$/,
    after: ['active', 'suspended request'],
  },
  {
    what: 'gives its state to hibernate',
    at: 'base getState',
    begin: ({ kernel }) => kernel.plugins.hibernate(BASE),
    ends: /^guest\/|^resolved$/,
    after: ['active'],
  },
  {
    what: 'gives its state to the next guest',
    at: 'base getState',
    begin: ({ kernel }) => kernel.plugins.reload(BASE),
    ends: /^guest\/|^resolved$/,
    after: ['active'],
  },
  {
    what: 'has given its state to the next guest, which starts',
    at: 'base activate',
    begin: ({ kernel }) => kernel.plugins.reload(BASE),
    ends: /^guest\/|^resolved$/,
    after: ['active'],
  },
];

describe.each<Setting>([{ isolation: 'worker', createHost }, { isolation: 'inline' }])(
  `${runtime}, $isolation`,
  (setting) => {
    const open = (names: readonly string[], options = {}) =>
      started(
        setting,
        names.map((name) => piece(name)),
        options,
      );

    for (const { what, at, before, begin, ends, after } of inFlight)
      it(`a guest that dies while it ${what}: the request settles, and one other guest takes its place`, async () => {
        const scene = await open(['base'], SOON);
        await before?.(scene);
        const hook = scene.hold(at);
        const ended = outcome(begin(scene));
        await hook.reached;
        await scene.crash('base');
        hook.open();
        expect(await ended).toMatch(ends);
        await expect.poll(() => after.includes(String(scene.state('base')))).toBe(true);
        await scene.kernel.plugins.resume(BASE);
        expect(await scene.next('base')).toMatchObject({ version: '1.0.0' });
        expect(scene.lines(/^crashed/)).toEqual(['crashed base']);
        await expect.poll(() => scene.guests).toEqual(['base@1.0.0']);
      });

    it('a guest that dies while it is stopped has stopped, and is not restarted', async () => {
      const scene = await open(['base', 'middle'], SOON);
      const stopping = scene.hold('base deactivate');
      const stopped = scene.kernel.plugins.deactivate(BASE);
      await stopping.reached;
      scene.end('base');
      stopping.open();
      await stopped;
      expect(scene.states('base', 'middle')).toEqual(['unloaded', 'suspended dependency']);
      expect(scene.lines(/^(crashed|failed)/)).toEqual([]);
      await expect.poll(() => scene.guests).toEqual(['middle@1.0.0']);
    });

    it('a guest that dies while it is suspended and an update waits: both settle, and the plugin can be started', async () => {
      const scene = await open(['base']);
      const { plugins } = scene.kernel;
      const suspending = scene.hold('base suspend');
      const suspended = outcome(plugins.suspend(BASE));
      await suspending.reached;
      const updated = outcome(plugins.update(BASE, packageOf(piece('base', { version: '1.1.0' }))));
      await scene.crash('base');
      suspending.open();
      expect(await suspended).toMatch(/^guest\//);
      const version = (await updated) === 'resolved' ? '1.1.0' : '1.0.0';
      await plugins.activate(BASE);
      expect(await scene.next('base')).toMatchObject({ version });
      await expect.poll(() => scene.guests).toEqual([`base@${version}`]);
    });

    it('a restart after a crash starts nothing that was stopped by name', async () => {
      const scene = await started(
        setting,
        [piece('base'), piece('heads', { wishes: ['base'] })],
        SOON,
      );
      await scene.kernel.plugins.deactivate(BASE);
      const restarted = nextEvent(scene.kernel, 'plugin:restarted');
      await scene.crash('heads');
      expect(await restarted).toMatchObject({ id: idOf('heads') });
      expect(await scene.next('heads')).toMatchObject({ version: '1.0.0' });
      expect(scene.state('base')).toBe('unloaded');
      expect(scene.lines(/^activated base/)).toEqual(['activated base']);
    });
  },
);
