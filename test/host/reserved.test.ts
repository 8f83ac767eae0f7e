/** The kernel's own topics: no plugin can emit them. */

import { expect, it } from 'vitest';
import { createHost } from '#host';
import { startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';

it("a plugin that may emit everything cannot emit the kernel's own events", async () => {
  const topics = [
    'plugin:crashed',
    'permission:granted',
    'signature:checked',
    'config:changed',
    'call:settled',
    'middleware:passed',
    'event:dropped',
    'need:changed',
    'resource:limited',
    'lane:opened',
  ].concat(['wire:refused', 'log:written', 'kernel:stopped', 'tenant:made', 'plinth:any']);
  const kernel = await startKernel({ isolation: 'worker', createHost }, [
    pluginOf(
      'test.voice',
      `ctx.commands.handle('emit', (topic) => ctx.events.emit(topic, {}).then(() => 'emitted', (error) => error.code));`,
      {
        permissions: { events: { emit: ['*'] } },
      },
    ),
  ]);
  const heard: string[] = [];
  kernel.events.on('*', ({ topic, source }) => void (source === 'test.voice' && heard.push(topic)));
  for (const topic of topics)
    expect(await kernel.commands.execute('test.voice:emit', topic), topic).toBe(
      'permission/denied',
    );
  expect(await kernel.commands.execute('test.voice:emit', 'other:thing')).toBe('emitted');
  expect(heard).toEqual(['other:thing']);
});

it('a plugin with need activation is started by a call of its contract', async () => {
  const kernel = await startKernel({ isolation: 'worker', createHost }, [
    pluginOf('test.provider', `ctx.commands.handle('hi', () => 'hi');`, {
      activation: ['need:test.provider@1'],
      provides: ['test.provider@1'],
    }),
  ]);
  expect(kernel.plugins.get('test.provider')?.state).toBe('resolved');
  expect(await kernel.commands.execute('test.provider:hi')).toBe('hi');
});
