/** Which plugins need which right now. */
import { describe, expect, it } from 'vitest';
import { HostContracts } from '../../kernel/dist/commands/host-contracts.js';
import { Relations } from '../../kernel/dist/lifecycle/relations.js';
import type { PluginRecord } from '../../kernel/dist/plugin/record.js';
import { active, asleep, failed, registryOf, resolved, serversOf, suspended } from './records.ts';

const BASE = 'test.base@1.0.0';
const setUp = (...records: readonly PluginRecord[]) => {
  const registry = registryOf(...records);
  const host = new HostContracts();
  return { registry, host, relations: new Relations(registry, host, serversOf(registry)) };
};
const keys = (records: readonly PluginRecord[]) => records.map(({ key }) => key);
const unloaded = (id: string): PluginRecord => ({ ...resolved(id), state: 'unloaded' });

describe('isThere()', () => {
  it.each([
    ['active', active('test.base'), true],
    ['asleep', asleep('test.base'), true],
    ['paused by request', suspended('test.base', 'request'), true],
    ['paused by a limit', suspended('test.base', 'limit'), true],
    ['paused without a need', suspended('test.base', 'dependency'), false],
    ['not started', resolved('test.base'), false],
    ['stopped', unloaded('test.base'), false],
    ['failed', failed('test.base', new Error('no')), false],
  ] as const)('of a plugin that is %s', (_, record, there) => {
    expect(setUp(record).relations.isThere(BASE)).toBe(there);
  });

  it('is false for a plugin whose own need is gone', () => {
    const middle = active('test.middle', { on: ['test.base'] });
    expect(setUp(middle, unloaded('test.base')).relations.isThere(middle.key)).toBe(false);
    expect(setUp(middle, active('test.base')).relations.isThere(middle.key)).toBe(true);
  });

  it('is true for plugins that need each other', () => {
    const [a, b] = [
      active('test.a', { needs: ['test.b@1'] }),
      active('test.b', { needs: ['test.a@1'] }),
    ];
    const { relations } = setUp(a, b);
    expect([relations.isThere(a.key), relations.isThere(b.key)]).toEqual([true, true]);
  });

  it('is false while the guest is about to be ended, and true while it wakes', () => {
    const { relations, registry } = setUp(active('test.base'), resolved('test.other'));
    Object.assign(registry.plugin(BASE) as object, { going: true });
    Object.assign(registry.plugin('test.other@1.0.0') as object, { waking: true });
    expect([relations.isThere(BASE), relations.isThere('test.other@1.0.0')]).toEqual([false, true]);
  });
});

describe('lost()', () => {
  it('names the dependency that does not run', () => {
    const top = active('test.top', { on: ['test.base'] });
    expect(setUp(top, unloaded('test.base')).relations.lost(top)).toBe(BASE);
  });

  it('names none while another version in the range runs', () => {
    const top = active('test.top', { on: ['test.base'] });
    const { relations } = setUp(
      top,
      unloaded('test.base'),
      active('test.base', { version: '1.4.0' }),
    );
    expect(relations.lost(top)).toBeUndefined();
  });

  it('names none for an optional dependency', () => {
    const top = active('test.top', { manifest: { optionalDependencies: { 'test.base': '*' } } });
    expect(setUp(top, unloaded('test.base')).relations.lost(top)).toBeUndefined();
  });

  it('names the contract that the code needs and no plugin provides', () => {
    const top = active('test.top', { needs: ['test.base@1'] });
    expect(setUp(top).relations.lost(top)).toBe('test.base@1');
  });

  it('names none while the host provides the contract', () => {
    const top = active('test.top', { needs: ['test.base@1'] });
    const { relations, host } = setUp(top);
    host.add('test.base');
    expect(relations.lost(top)).toBeUndefined();
  });

  it('names none while any plugin provides an open contract', () => {
    const top = active('test.top', { needs: ['plinth.data-provider@1'] });
    const data = active('test.data', { provides: ['plinth.data-provider@1'] });
    expect(setUp(top, data).relations.lost(top)).toBeUndefined();
    expect(setUp(top).relations.lost(top)).toBe('plinth.data-provider@1');
  });
});

describe('dependants()', () => {
  it('lists running plugins that would lose a plugin', () => {
    const { relations } = setUp(
      active('test.base'),
      active('test.depends', { on: ['test.base'] }),
      active('test.needs', { needs: ['test.base@1'] }),
      active('test.wishes', { wishes: ['test.base@1'] }),
      resolved('test.idle', { on: ['test.base'] }),
    );
    expect(keys(relations.dependants(BASE))).toEqual(['test.depends@1.0.0', 'test.needs@1.0.0']);
  });

  it('lists none that another version or another provider serves', () => {
    const contract = 'plinth.data-provider@1';
    const { relations } = setUp(
      active('test.base', { provides: [contract] }),
      active('test.base', { version: '1.1.0' }),
      active('test.other', { provides: [contract] }),
      active('test.depends', { on: ['test.base'] }),
      active('test.needs', { needs: [contract] }),
    );
    expect(relations.dependants(BASE)).toEqual([]);
  });

  it('are with sleeping ones in reliant()', () => {
    const { relations } = setUp(active('test.base'), asleep('test.top', { on: ['test.base'] }));
    expect(relations.dependants(BASE)).toEqual([]);
    expect(keys(relations.reliant(BASE))).toEqual(['test.top@1.0.0']);
  });
});

describe('metNeeds()', () => {
  it('names the needs that an available plugin or the host meets', () => {
    const top = active('test.top', {
      needs: ['test.base@1'],
      wishes: ['test.extra@1', 'test.absent@1'],
    });
    const { relations, host } = setUp(top, active('test.base', { provides: ['test.base@1'] }));
    host.add('test.extra');
    expect(relations.metNeeds(top)).toEqual(['base', 'extra']);
  });
});

describe('blame()', () => {
  const top = active('test.top', { on: ['test.middle'] });
  const blamed = (dependency: string, ...records: readonly PluginRecord[]) =>
    setUp(top, ...records).relations.why.blame(top, dependency);

  it.each([
    ['is not installed', []],
    ['was stopped', [unloaded('test.middle')]],
    ['is suspended', [suspended('test.middle', 'request')]],
    ['has not been started', [resolved('test.middle')]],
  ] as const)('says of a plugin that it %s', (fate, records) => {
    expect(blamed('test.middle@1.0.0', ...records)).toMatchObject({
      code: 'plugin/dependency-failed',
      details: { path: ['test.top', 'test.middle'] },
      cause: { code: 'plugin/unavailable', message: `test.middle ${fate}` },
    });
  });

  it('gives the failure of a plugin that has failed as the cause', () => {
    const cause = new Error('no disk');
    expect(blamed('test.middle@1.0.0', failed('test.middle', cause)).cause).toBe(cause);
  });

  it('leads through a plugin that has lost its own dependency', () => {
    const middle = suspended('test.middle', 'dependency', { on: ['test.base'] });
    expect(blamed(middle.key, middle, unloaded('test.base'))).toMatchObject({
      details: { path: ['test.top', 'test.middle', 'test.base'] },
    });
  });

  it('names a contract that no plugin and no host provides', () => {
    expect(blamed('test.middle@1')).toMatchObject({
      cause: { message: expect.stringContaining('provides test.middle@1') },
    });
  });
});
