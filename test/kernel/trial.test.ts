/** The trial of an updated plugin: what ends it well, what ends it badly, and what does not count. */
import { packageOf } from '@plinth/kernel';
import { type HealthReport, parseManifest } from '@plinth/sdk';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EventBus } from '../../kernel/dist/events/event-bus.js';
import { Trial } from '../../kernel/dist/extensions/installer/trial.js';
import type { ActivePlugin, ResolvedPlugin } from '../../kernel/dist/plugin/record.js';
import { PluginRegistry } from '../../kernel/dist/registry/plugin-registry.js';
import { Redaction } from '../../kernel/dist/telemetry/redaction.js';

const KEY = 'test.a@2.0.0';
const LENGTH = 1_000;
const resolved = (): ResolvedPlugin => {
  const named = { id: 'test.a', version: '2.0.0' };
  const input = { ...named, main: 'plugin.js', engines: { plinth: '^1.0.0' } };
  return {
    ...named,
    state: 'resolved',
    key: KEY,
    origin: 'memory:0',
    package: packageOf({ manifest: input }),
    manifest: parseManifest(input),
    dependencies: [],
    level: 0,
    grants: {},
  };
};
/** A plugin whose guest is only its answer to the question for its health. */
const active = (health: () => HealthReport): ActivePlugin => {
  const guest = { link: { pending: 0 }, refusals: 0, has: () => true, ask: async () => health() };
  return { ...resolved(), state: 'active', connection: guest } as unknown as ActivePlugin;
};
const trialOf = (record: ResolvedPlugin | ActivePlugin = resolved()) => {
  const registry = new PluginRegistry();
  registry.put(record);
  const bus = new EventBus(() => {});
  const ends: string[] = [];
  const trial = new Trial(
    KEY,
    LENGTH,
    { registry, bus, limits: { hook: 100 }, redaction: new Redaction() },
    (reason) => ends.push(`bad: ${reason}`),
    () => ends.push('good'),
  );
  const fact = { id: 'test.a', version: '2.0.0', code: 'guest/crashed', message: 'it fell' };
  const tell = (topic: string, other: object = {}) =>
    bus.emit({ topic, payload: { ...fact, ...other }, source: 'kernel', tenant: 'tenant-0' });
  return { trial, ends, tell, registry, bus };
};

describe('the trial of an update', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  const healthy = () => active(() => ({ status: 'healthy' }));

  it('ends well when the plugin stays healthy for its length, and not before', async () => {
    const { ends, bus } = trialOf(healthy());
    await vi.advanceTimersByTimeAsync(LENGTH - 1);
    expect(ends).toEqual([]);
    await vi.advanceTimersByTimeAsync(LENGTH / 10);
    expect(ends).toEqual(['good']);
    expect(bus.hears('plugin:failed')).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('begins with the activation, however late that is', async () => {
    const { ends, tell, registry } = trialOf();
    await vi.advanceTimersByTimeAsync(LENGTH * 3);
    registry.put(healthy());
    tell('plugin:activated');
    await vi.advanceTimersByTimeAsync(LENGTH - 1);
    expect(ends).toEqual([]);
    await vi.advanceTimersByTimeAsync(LENGTH / 10);
    expect(ends).toEqual(['good']);
  });

  it('ends badly with the report of a plugin that is unhealthy, and not with one that is degraded', async () => {
    let status: HealthReport['status'] = 'degraded';
    const { ends } = trialOf(active(() => ({ status, details: 'no disk' })));
    await vi.advanceTimersByTimeAsync(LENGTH / 2);
    expect(ends).toEqual([]);
    status = 'unhealthy';
    await vi.advanceTimersByTimeAsync(LENGTH);
    expect(ends).toEqual(['bad: it is unhealthy: no disk']);
  });

  it('ends badly, once, when the plugin crashes, fails or does not wake', () => {
    for (const topic of ['plugin:crashed', 'plugin:failed', 'plugin:wake-failed']) {
      const { ends, tell } = trialOf();
      tell(topic);
      tell(topic);
      expect(ends, topic).toEqual(['bad: it fell']);
    }
  });

  it('goes on when another plugin, another version or a dependency is at fault', () => {
    const { ends, tell } = trialOf();
    tell('plugin:failed', { id: 'test.b' });
    tell('plugin:failed', { version: '1.0.0' });
    tell('plugin:failed', { code: 'plugin/dependency-failed' });
    expect(ends).toEqual([]);
  });

  it('ends without a verdict when it is closed, or the plugin is removed', async () => {
    for (const end of ['close', 'remove'] as const) {
      const { ends, trial, tell, registry } = trialOf(healthy());
      if (end === 'close') trial.close();
      else registry.remove(KEY);
      await vi.advanceTimersByTimeAsync(LENGTH * 2);
      tell('plugin:crashed');
      expect(ends, end).toEqual([]);
      expect(vi.getTimerCount(), end).toBe(0);
    }
  });
});
