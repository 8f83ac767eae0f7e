/** Plugins by what others ask for. */
import { describe, expect, it } from 'vitest';
import { catalogueOf, wishesOf } from '../../kernel/dist/registry/catalogue.js';
import type { Vertex } from '../../kernel/dist/registry/graph-node.js';
import { resolved } from './records.ts';

const vertex = (id: string, version: string, provides?: readonly string[]) =>
  ({
    node: resolved(id, { version, manifest: provides === undefined ? {} : { provides } }),
  }) as unknown as Vertex;
const any = () => true;

describe('catalogueOf()', () => {
  it('lists the versions of a plugin, stable ones first and the highest of them in front', () => {
    const { plugins } = catalogueOf(
      ['1.0.0', '2.0.0-beta.1', '1.10.0'].map((version) => vertex('test.a', version)),
      any,
    );
    expect(plugins.all('test.a').map(({ node }) => node.version)).toEqual([
      '1.10.0',
      '1.0.0',
      '2.0.0-beta.1',
    ]);
    expect(plugins.all('test.b')).toEqual([]);
  });

  it('lists providers by the base of their contract, in the order of plugins', () => {
    const { providers } = catalogueOf(
      [
        vertex('test.z', '1.0.0', ['plinth.data-provider@1']),
        vertex('test.a', '1.0.0', ['plinth.data-provider@2']),
      ],
      any,
    );
    expect(
      providers.all('plinth.data-provider').map(({ vertex, major }) => [vertex.node.id, major]),
    ).toEqual([
      ['test.z', 1],
      ['test.a', 2],
    ]);
  });

  it('leaves out providers that may not provide, and keeps each own contract', () => {
    const { providers } = catalogueOf(
      [vertex('test.a', '1.0.0', ['test.a@1', 'plinth.data-provider@1'])],
      () => false,
    );
    expect(providers.all('plinth.data-provider')).toEqual([]);
    expect(providers.all('test.a')).toHaveLength(1);
  });

  it('finds the first that fits, also where there is one only', () => {
    const { plugins } = catalogueOf([vertex('test.a', '1.0.0')], any);
    expect(plugins.find('test.a', () => true)?.node.id).toBe('test.a');
    expect(plugins.find('test.a', () => false)).toBeUndefined();
  });
});

it('wishesOf() parses what a manifest asks for, once', () => {
  const { manifest } = resolved('test.a', {
    manifest: { needs: ['test.b@^1'], provides: ['test.a@2'] },
  });
  expect(wishesOf(manifest)).toMatchObject({
    needs: [{ base: 'test.b', range: '^1' }],
    provides: [{ base: 'test.a', major: 2 }],
  });
  expect(wishesOf(manifest)).toBe(wishesOf(manifest));
});
