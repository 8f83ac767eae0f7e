/** The rows of the table: when each step is due. */
import { createError } from '@plinth/sdk/contract';
import { describe, expect, it } from 'vitest';
import { HostContracts } from '../../kernel/dist/commands/host-contracts.js';
import { outcome } from '../../kernel/dist/concurrency.js';
import { Relations } from '../../kernel/dist/lifecycle/relations.js';
import { dueStep, type World } from '../../kernel/dist/lifecycle/transitions.js';
import type { Plugin, Restart } from '../../kernel/dist/plugin/plugin.js';
import type { PluginRecord } from '../../kernel/dist/plugin/record.js';
import { active, asleep, failed, registryOf, resolved, serversOf, suspended } from './records.ts';

const setUp = (...records: readonly PluginRecord[]) => {
  const registry = registryOf(...records);
  const relations = new Relations(registry, new HostContracts(), serversOf(registry));
  const puts: string[] = [];
  const offers: string[] = [];
  const world = {
    ledger: { registry, put: ({ key, state }: PluginRecord) => puts.push(`${key} ${state}`) },
    relations,
    offer: ({ record }: Plugin) => offers.push(record.id),
  } as unknown as World;
  const plugin = (id: string) => registry.plugin(`${id}@1.0.0`) as Plugin;
  const due = (id: string) => dueStep(plugin(id), world)?.name;
  return { world, plugin, due, puts, offers };
};
const ON_BASE = { on: ['test.base'], level: 1 };
const lacked = createError('plugin/dependency-failed', 'no', {
  details: { path: ['test.top', 'test.base'] },
});

describe('the next step of a plugin', () => {
  it('is none while all is well', () => {
    const { due } = setUp(active('test.base'), active('test.top', ON_BASE));
    expect([due('test.base'), due('test.top')]).toEqual([undefined, undefined]);
  });

  it('is to pause when it is active without a need', () => {
    const { due } = setUp(resolved('test.base'), active('test.top', ON_BASE));
    expect(due('test.top')).toBe('pause without a need');
  });

  it('waits for the plugins above to pause first', () => {
    const { due } = setUp(
      resolved('test.base'),
      active('test.middle', ON_BASE),
      active('test.top', { on: ['test.middle'], level: 2 }),
    );
    expect(due('test.top')).toBe('pause without a need');
    expect(due('test.middle')).toBeUndefined();
  });

  it('is to resume when its needs are back', () => {
    const { due } = setUp(active('test.base'), suspended('test.top', 'dependency', ON_BASE));
    expect(due('test.top')).toBe('resume with its needs');
  });

  it.each(['request', 'limit'] as const)('is none when it is paused for a %s', (reason) => {
    const { due } = setUp(active('test.base'), suspended('test.top', reason, ON_BASE));
    expect(due('test.top')).toBeUndefined();
  });

  it('is none while it sleeps, with or without its needs', () => {
    const { due } = setUp(resolved('test.base'), asleep('test.top', ON_BASE));
    expect(due('test.top')).toBeUndefined();
  });

  it('is to retry when it failed for a need that is back', () => {
    const { due } = setUp(active('test.base'), failed('test.top', lacked, ON_BASE));
    expect(due('test.top')).toBe('retry with its needs');
  });

  it('is none while that need is still gone', () => {
    const { due } = setUp(resolved('test.base'), failed('test.top', lacked, ON_BASE));
    expect(due('test.top')).toBeUndefined();
  });

  it('is none for a failure of its own', () => {
    const { due } = setUp(active('test.base'), failed('test.top', new Error('no'), ON_BASE));
    expect(due('test.top')).toBeUndefined();
  });

  it('is none for a plugin that was retried, is disabled, or starts already', () => {
    for (const change of [
      (plugin: Plugin) => Object.assign(plugin, { retried: true }),
      (plugin: Plugin) => Object.assign(plugin.intent, { enabled: false }),
      (plugin: Plugin) =>
        Object.assign(plugin, { starting: { over: Promise.resolve(), asked: 1, hurried: false } }),
    ]) {
      const { due, plugin } = setUp(active('test.base'), failed('test.top', lacked, ON_BASE));
      change(plugin('test.top'));
      expect(due('test.top')).toBeUndefined();
    }
  });
});

describe('a restart after a crash', () => {
  const planned = (change: Partial<Restart>): Restart => ({
    due: undefined,
    begun: false,
    attempt: 1,
    over: outcome(),
    ...change,
  });

  it('is due once its time has come, until it has begun', () => {
    const { due, plugin } = setUp(failed('test.base', new Error('no')));
    const { intent } = plugin('test.base');
    const steps = [planned({ due: Date.now() }), planned({}), planned({ begun: true })].map(
      (restart) => {
        intent.restart = restart;
        return due('test.base');
      },
    );
    expect(steps).toEqual([undefined, 'restart', undefined]);
  });

  it('comes before a retry, and is none in quarantine', () => {
    const { due, plugin } = setUp(active('test.base'), failed('test.top', lacked, ON_BASE));
    const { intent } = plugin('test.top');
    intent.restart = planned({});
    expect(due('test.top')).toBe('restart');
    const alone = setUp(failed('test.base', new Error('no')));
    alone.plugin('test.base').intent.quarantine = { crashes: 5, within: 60_000 };
    expect(alone.due('test.base')).toBeUndefined();
  });
});

describe('a retry', () => {
  it('takes the record before the failure, once, and offers the plugin', async () => {
    const { world, plugin, puts, offers } = setUp(
      active('test.base'),
      failed('test.top', lacked, ON_BASE),
    );
    const top = plugin('test.top');
    await dueStep(top, world)?.run(top, world);
    expect(puts).toEqual(['test.top@1.0.0 resolved']);
    expect(offers).toEqual(['test.top']);
    expect(dueStep(top, world)).toBeUndefined();
  });
});
