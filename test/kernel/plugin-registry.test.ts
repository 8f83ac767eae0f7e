/** The installed plugins: which record a reference means, their order, and what is announced. */
import { packageOf } from '@plinth/kernel';
import { parseManifest } from '@plinth/sdk';
import { describe, expect, it } from 'vitest';
import type {
  DiscoveredPlugin,
  PluginRecord,
  ValidatedPlugin,
} from '../../kernel/dist/plugin/record.js';
import { PluginRegistry } from '../../kernel/dist/registry/plugin-registry.js';

const found = (origin: string): DiscoveredPlugin => ({
  state: 'discovered',
  key: origin,
  id: origin,
  origin,
  package: packageOf({ manifest: '' }),
});
const plugin = (id: string, version = '1.0.0', origin = 'memory:0'): ValidatedPlugin => {
  const input = { id, version, main: 'plugin.js', engines: { plinth: '^1.0.0' } };
  return {
    ...found(origin),
    state: 'validated',
    key: `${id}@${version}`,
    id,
    version,
    manifest: parseManifest(input),
  };
};
const registryOf = (...records: readonly PluginRecord[]) => {
  const registry = new PluginRegistry();
  for (const record of records) registry.put(record);
  const changes: string[] = [];
  registry.onChange = ({ key, state }) => changes.push(`${key} ${state}`);
  const keys = () => registry.all().map(({ key }) => key);
  return { registry, changes, keys };
};

describe('a registry of plugins', () => {
  it('means by an id the highest stable version, however they came', () => {
    const versions = ['1.9.0', '2.0.0-beta.1', '1.10.0', '0.5.0'];
    for (const order of [versions, [...versions].reverse()]) {
      const { registry } = registryOf(...order.map((version) => plugin('test.a', version)));
      expect(registry.find('test.a')?.key).toBe('test.a@1.10.0');
      expect(registry.versions('test.a').map(({ key }) => key)).toEqual([
        'test.a@1.10.0',
        'test.a@1.9.0',
        'test.a@0.5.0',
        'test.a@2.0.0-beta.1',
      ]);
    }
    expect(registryOf(plugin('test.a', '1.0.0-rc.1')).registry.find('test.a')).toBeDefined();
  });

  it('finds a version by a range, beside the id or in it, and none that does not fit', () => {
    const { registry } = registryOf(plugin('test.a', '1.2.0'), plugin('test.a', '2.0.0-beta.1'));
    expect(registry.find('test.a@^1.0.0')?.key).toBe('test.a@1.2.0');
    expect(registry.find('test.a', '>=2.0.0-alpha')?.key).toBe('test.a@2.0.0-beta.1');
    expect(registry.find('test.a@2.0.0-beta.1')?.key).toBe('test.a@2.0.0-beta.1');
    expect(registry.find('test.a', '^3.0.0')).toBeUndefined();
    for (const none of ['test.a@>=2.0.0', 'test', ''])
      expect(registry.find(none), none).toBeUndefined();
  });

  it('refuses a range that is none, with the plugin and an example', () => {
    const { registry } = registryOf(plugin('test.a', '1.2.0'));
    for (const find of [
      () => registry.find('test.a@latest'),
      () => registry.find('test.a', 'junk'),
    ])
      expect(find).toThrow(
        expect.objectContaining({
          code: 'kernel/invalid-option',
          plugin: 'test.a',
          message: expect.stringMatching(/is not a version range: write one like 'test.a@\^1.2.0'/),
        }),
      );
    expect(registry.find('test.b@latest')).toBeUndefined();
  });

  it('finds a package without a manifest by its origin, also one that has an @ in it', () => {
    const { registry } = registryOf(found('memory:0'), found('/node_modules/@scope/plugin'));
    expect(registry.find('memory:0')?.state).toBe('discovered');
    expect(registry.find('/node_modules/@scope/plugin')?.state).toBe('discovered');
    expect(registry.versions('memory:0')).toEqual([]);
  });

  it('finds a package that failed by the id that it claims', () => {
    const error = Object.assign(new Error('no'), { plugin: 'test.a' });
    const previous = found('memory:0');
    const failed = { ...previous, state: 'failed', stage: 'validate', error, previous } as const;
    const { registry } = registryOf(failed);
    expect(registry.find('test.a')?.key).toBe('memory:0');
    expect(registry.find('test.a@^1.0.0')).toBeUndefined();
    expect(registry.find('test.b')).toBeUndefined();
  });

  it('keeps the place of a package whose manifest has been read, and announces both names', () => {
    const { registry, changes, keys } = registryOf(found('x'), found('y'), found('z'));
    registry.rename('y', plugin('test.y'));
    expect(keys()).toEqual(['x', 'test.y@1.0.0', 'z']);
    expect(registry.rank('test.y')).toBe(registry.rank('test.y@1.0.0'));
    expect(registry.get('y')).toBeUndefined();
    expect(changes).toEqual(['test.y@1.0.0 validated', 'y discovered']);
  });

  it('keeps the place of a record that is replaced, and gives one that comes back the last', () => {
    const { registry, changes, keys } = registryOf(plugin('test.a'), plugin('test.b'));
    registry.put({ ...plugin('test.a'), state: 'denied', error: new Error('no') });
    expect(keys()).toEqual(['test.a@1.0.0', 'test.b@1.0.0']);
    registry.remove('test.a@1.0.0');
    registry.remove('test.a@1.0.0');
    registry.put(plugin('test.a'));
    expect(keys()).toEqual(['test.b@1.0.0', 'test.a@1.0.0']);
    const own = 'test.a@1.0.0';
    expect(changes).toEqual([`${own} denied`, `${own} denied`, `${own} validated`]);
  });

  it('keeps the place of a plugin while one of its versions stays, and then forgets it', () => {
    const { registry } = registryOf(plugin('test.a'), plugin('test.b'), plugin('test.a', '2.0.0'));
    registry.remove('test.a@1.0.0');
    expect(registry.rank('test.a')).toBeLessThan(registry.rank('test.b'));
    expect(registry.find('test.a')?.key).toBe('test.a@2.0.0');
    registry.remove('test.a@2.0.0');
    expect([registry.rank('test.a'), registry.size]).toEqual([0, 1]);
    expect(registry.find('test.a')).toBeUndefined();
  });

  it('numbers a second package of one origin', () => {
    const { registry } = registryOf(found('x'), found('x (2)'));
    expect(registry.freeName('y')).toBe('y');
    expect(registry.freeName('x')).toBe('x (3)');
  });
});
