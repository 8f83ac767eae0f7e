/** The plugins that are looked at when one has changed. */
import { describe, expect, it } from 'vitest';
import { HostContracts } from '../../kernel/dist/commands/host-contracts.js';
import { isUppermost, touched } from '../../kernel/dist/lifecycle/neighbours.js';
import { Relations } from '../../kernel/dist/lifecycle/relations.js';
import type { Plugin } from '../../kernel/dist/plugin/plugin.js';
import type { PluginRecord } from '../../kernel/dist/plugin/record.js';
import { active, failed, registryOf, resolved, serversOf, suspended } from './records.ts';

const setUp = (...records: readonly PluginRecord[]) => {
  const registry = registryOf(...records);
  const relations = new Relations(registry, new HostContracts(), serversOf(registry));
  const plugin = (id: string) => registry.plugin(`${id}@1.0.0`) as Plugin;
  const look = (id: string) =>
    [...touched(plugin(id), registry, relations)].map(({ record }) => record.id).sort();
  const settle = () => records.map(({ id }) => look(id));
  const uppermost = (id: string) => isUppermost(plugin(id), registry, relations);
  return { registry, look, settle, uppermost };
};
const TOWER = [
  active('test.base'),
  active('test.middle', { on: ['test.base'], level: 1 }),
  active('test.top', { on: ['test.middle'], level: 2 }),
  active('test.lone'),
] as const;

describe('touched()', () => {
  it('finds all plugins above one that others can rely on now', () => {
    const { look } = setUp(...TOWER);
    expect(look('test.base')).toEqual(['test.middle', 'test.top']);
  });

  it('finds none when nothing has changed since the last look', () => {
    const { look, settle } = setUp(...TOWER);
    settle();
    expect(look('test.base')).toEqual([]);
  });

  it('finds the plugins above and below one that has gone', () => {
    const { registry, look, settle } = setUp(...TOWER);
    settle();
    registry.put(suspended('test.middle', 'dependency', { on: ['test.base'], level: 1 }));
    expect(look('test.middle')).toEqual(['test.base', 'test.top']);
  });

  it('finds plugins whose code needs what one provides', () => {
    const { look } = setUp(
      active('test.data', { provides: ['plinth.data-provider@1'] }),
      active('test.user', { needs: ['plinth.data-provider@1'] }),
    );
    expect(look('test.data')).toEqual(['test.user']);
  });

  it('finds plugins that have failed, whose needs may be back', () => {
    const { look } = setUp(active('test.base'), failed('test.top', new Error('no')));
    expect(look('test.base')).toEqual(['test.top']);
  });
});

describe('isUppermost()', () => {
  it('is true for a plugin that no active plugin stands on', () => {
    const { uppermost } = setUp(...TOWER, resolved('test.idle', { on: ['test.top'], level: 3 }));
    expect(['base', 'middle', 'top', 'lone'].map((name) => uppermost(`test.${name}`))).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });
});
