/** Which plugins may answer a command, and which of them is woken for it. */
import { isOpen } from '@plinth/sdk/contract';
import { describe, expect, it } from 'vitest';
import type { PluginRecord } from '../../kernel/dist/plugin/record.js';
import { type TargetParts, Targets } from '../../kernel/dist/registry/targets.js';
import { active, asleep, registryOf, resolved } from './records.ts';

interface Setting {
  /** Ids of plugins whose providing policy forbids. */
  readonly forbidden?: readonly string[];
  /** Pending restarts by key. */
  readonly comebacks?: Readonly<Record<string, Promise<void>>>;
  /** Keys of plugins that are about to start with the tenant. */
  readonly comes?: readonly string[];
  /** Packages that a source finds later. */
  readonly later?: PluginRecord[];
}

const setUp = (
  records: readonly PluginRecord[],
  { forbidden = [], comebacks = {}, comes = [], later = [] }: Setting = {},
) => {
  const registry = registryOf(...records);
  const woken: string[] = [];
  const targets = new Targets({
    registry,
    isOpen,
    grants: () => ({ mayProvide: ({ id }: { id: string }) => !forbidden.includes(id) }),
    commands: () => ({ answers: () => woken.length > 0, all: () => [] }),
    because: () => '',
    waking: {
      activate: async (key: string, by: string) => void woken.push(`${key} by ${by}`),
      isStarting: () => false,
      comeback: (key: string) => comebacks[key],
      comes: ({ key }: PluginRecord) => comes.includes(key),
      moreToCome: async () => {
        const [found] = later.splice(0, 1);
        if (found !== undefined) registry.put(found);
        return found !== undefined;
      },
      hasStarted: () => true,
    },
  } as unknown as TargetParts);
  return { registry, targets, woken };
};
const keys = (records: readonly PluginRecord[]) => records.map(({ key }) => key);
const declares = (id: string, version = '1.0.0') =>
  resolved(id, { version, manifest: { contributes: { commands: [{ id: 'go', title: 'Go' }] } } });
const DATA = 'plinth.data-provider@1';
const provides = (id: string, contract = DATA) =>
  resolved(id, { manifest: { provides: [contract] } });

describe('answering()', () => {
  it('lists the versions of the owner, the best first', () => {
    const { targets } = setUp([
      declares('test.a'),
      declares('test.a', '1.2.0'),
      declares('test.b'),
    ]);
    expect(keys(targets.answering('test.a:go', undefined))).toEqual([
      'test.a@1.2.0',
      'test.a@1.0.0',
    ]);
  });

  it('lists only versions that the route leads to', () => {
    const { targets } = setUp([declares('test.a'), declares('test.a', '2.0.0')]);
    expect(keys(targets.answering('test.a:go', { range: '^1.0.0' }))).toEqual(['test.a@1.0.0']);
  });

  it('lists all providers of an open contract that may provide it, in the order of plugins', () => {
    const { targets } = setUp([provides('test.z'), provides('test.a'), provides('test.bad')], {
      forbidden: ['test.bad'],
    });
    const command = 'plinth.data-provider:query';
    expect(keys(targets.answering(command, undefined))).toEqual(['test.z@1.0.0', 'test.a@1.0.0']);
    expect(keys(targets.answering(`${command}@test.a`, undefined))).toEqual(['test.a@1.0.0']);
  });
});

describe('providersOf()', () => {
  it('finds a plugin that declares the contract', () => {
    const { targets } = setUp([provides('test.z'), resolved('test.a'), provides('test.b')]);
    expect(targets.providersOf(DATA)).toEqual(['test.z@1.0.0', 'test.b@1.0.0']);
  });

  it('finds a plugin that is named like the contract and declares none', () => {
    expect(setUp([resolved('test.a')]).targets.providersOf('test.a@1')).toEqual(['test.a@1.0.0']);
  });

  it('takes any version of a contract that is asked for without one', () => {
    const { targets } = setUp([provides('test.a', 'test.a@2')]);
    expect(targets.providersOf('test.a')).toEqual(['test.a@1.0.0']);
    expect(targets.providersOf('test.a@1')).toEqual([]);
  });

  it('leaves out a plugin that is disabled', () => {
    const { targets, registry } = setUp([provides('test.a')]);
    Object.assign(registry.plugin('test.a@1.0.0')?.intent as object, { enabled: false });
    expect(targets.providersOf(DATA)).toEqual([]);
  });
});

describe('wakeFor()', () => {
  it('wakes a plugin that sleeps', async () => {
    const { targets, woken } = setUp([asleep('test.a')]);
    expect(await targets.wakeFor('test.a:go', undefined)).toBe(true);
    expect(woken).toEqual(['test.a@1.0.0 by command:test.a:go']);
  });

  it('starts a plugin that declares the command, and none that does not', async () => {
    const { targets, woken } = setUp([declares('test.a'), resolved('test.b')]);
    expect(await targets.wakeFor('test.b:go', undefined)).toBe(false);
    expect(await targets.wakeFor('test.a:go', undefined)).toBe(true);
    expect(woken).toHaveLength(1);
  });

  it('starts only the best of several versions', async () => {
    const { targets, woken } = setUp([declares('test.a'), declares('test.a', '1.2.0')]);
    await targets.wakeFor('test.a:go', undefined);
    expect(woken).toEqual(['test.a@1.2.0 by command:test.a:go']);
  });

  it('says startup of a plugin that starts with its tenant anyway', async () => {
    const { targets, woken } = setUp([declares('test.a')], { comes: ['test.a@1.0.0'] });
    await targets.wakeFor('test.a:go', undefined);
    expect(woken).toEqual(['test.a@1.0.0 by startup']);
  });

  it('waits for a pending restart before it starts a plugin', async () => {
    const back = Promise.withResolvers<void>();
    const { targets, woken } = setUp([declares('test.a')], {
      comebacks: { 'test.a@1.0.0': back.promise },
    });
    const waking = targets.wakeFor('test.a:go', undefined);
    await Promise.resolve();
    expect(woken).toEqual([]);
    back.resolve();
    expect(await waking).toBe(true);
    expect(woken).toHaveLength(1);
  });

  it('waits for a source that still searches', async () => {
    const { targets, woken } = setUp([], { later: [resolved('test.b'), declares('test.a')] });
    expect(await targets.wakeFor('test.a:go', undefined)).toBe(true);
    expect(woken).toHaveLength(1);
  });
});

describe('outranked()', () => {
  const entry = { id: 'test.a:go', owner: 'test.a', version: '1.0.0' };

  it('is true while a better version can be woken', () => {
    const { targets } = setUp([active('test.a'), declares('test.a', '1.2.0')]);
    expect(targets.outranked(entry, undefined)).toBe(true);
  });

  it('is false for the best version, and where the route excludes the better one', () => {
    const { targets } = setUp([active('test.a'), declares('test.a', '1.2.0')]);
    expect(targets.outranked({ ...entry, version: '1.2.0' }, undefined)).toBe(false);
    expect(targets.outranked(entry, { range: '1.0.0' })).toBe(false);
  });
});
