/** Layers of settings become one: objects by key, everything else as a whole. */
import { parseManifest } from '@plinth/sdk';
import { describe, expect, it } from 'vitest';
import { mergeLayers, patched, withDefaults } from '../../kernel/src/config/merge-layers.ts';

const merged = (...layers: readonly Record<string, unknown>[]) =>
  mergeLayers(layers.map((settings, layer) => [layer, settings] as const));

describe('mergeLayers()', () => {
  it('merges objects at every depth, a later layer over an earlier one', () => {
    const { settings } = merged({ a: { x: 1, y: 1 }, b: 1 }, { a: { y: 2, z: 2 } });
    expect(settings).toEqual({ a: { x: 1, y: 2, z: 2 }, b: 1 });
  });

  it('replaces lists, dates and texts as a whole', () => {
    const day = new Date(0);
    const { settings } = merged({ list: [1, 2], when: {} }, { list: [3], when: day });
    expect(settings).toEqual({ list: [3], when: day });
  });

  it('replaces an object by a value, and a value by an object', () => {
    expect(merged({ a: { x: 1 } }, { a: 2 }).settings).toEqual({ a: 2 });
    expect(merged({ a: 2 }, { a: { x: 1 } }).settings).toEqual({ a: { x: 1 } });
  });

  it('keeps what an empty object would replace', () => {
    expect(merged({ a: { x: 1 } }, { a: {} }).settings).toEqual({ a: { x: 1 } });
    expect(merged({}, { a: {} }).settings).toEqual({ a: {} });
  });

  it('tells the layer of each leaf', () => {
    expect(merged({ a: { x: 1, y: 1 } }, { a: { y: 2 } }).leaves).toEqual({
      'a.x': { value: 1, layer: 0 },
      'a.y': { value: 2, layer: 1 },
    });
  });

  it('freezes the settings at every depth', () => {
    const { settings } = merged({ a: { x: 1 } });
    expect([settings, settings.a].every(Object.isFrozen)).toBe(true);
  });
});

describe('withDefaults()', () => {
  const manifest = parseManifest({
    id: 'test.a',
    version: '1.0.0',
    main: 'plugin.js',
    engines: { plinth: '^1.0.0' },
    config: {
      type: 'object',
      properties: {
        size: { type: 'number', default: 10 },
        colors: { type: 'object', properties: { ink: { type: 'string', default: 'black' } } },
      },
    },
  });
  const filled = (settings: Record<string, unknown>) =>
    withDefaults<number>(merged(settings), manifest, -1);

  it('adds defaults that no layer has set, under their own layer', () => {
    const { settings, leaves } = filled({ colors: { paper: 'white' } });
    expect(settings).toEqual({ size: 10, colors: { paper: 'white', ink: 'black' } });
    expect(leaves.size).toEqual({ value: 10, layer: -1 });
  });

  it('keeps what is set, also a falsy value', () => {
    expect(filled({ size: 0 }).settings).toEqual({ size: 0 });
  });

  it('makes no object that no layer has', () => {
    expect(filled({}).settings).toEqual({ size: 10 });
  });

  it('answers the same settings when there is nothing to add', () => {
    const before = merged({ size: 1 });
    expect(withDefaults<number>(before, manifest, -1)).toBe(before);
    expect(withDefaults<number>(before, undefined, -1)).toBe(before);
  });
});

describe('patched()', () => {
  it('merges objects, and removes what is undefined', () => {
    expect(patched({ a: { x: 1, y: 1 }, b: 1 }, { a: { y: undefined, z: 2 }, b: 2 })).toEqual({
      a: { x: 1, z: 2 },
      b: 2,
    });
  });

  it('changes nothing of what it was given', () => {
    const before = { a: { x: 1 } };
    patched(before, { a: { x: 2 } });
    expect(before).toEqual({ a: { x: 1 } });
  });

  it('takes a key that every object inherits as one that is not set', () => {
    expect(patched({}, { toString: { x: 1 } })).toEqual({ toString: { x: 1 } });
  });
});
