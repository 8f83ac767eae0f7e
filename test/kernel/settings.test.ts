/** Settings of one plugin: plain data, copied and frozen. */
import { describe, expect, it } from 'vitest';
import { checkSettings, defaultsOf, notJson } from '../../kernel/dist/config/settings.js';
import { resolved } from './records.ts';

describe('checkSettings()', () => {
  it('answers a frozen copy', () => {
    const given = { list: [1], when: new Date(0) };
    const settings = checkSettings(given, 'test.a', 'user');
    expect(settings).toEqual(given);
    expect(settings.list).not.toBe(given.list);
    expect([settings, settings.list].every(Object.isFrozen)).toBe(true);
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['a list', []],
    ['a function', { run: () => {} }],
    ['a key that reaches the prototype', JSON.parse('{"__proto__": {"x": 1}}')],
  ])('refuses %s, with the layer and the plugin', (_, values) => {
    expect(() => checkSettings(values, 'test.a', 'user')).toThrow(
      expect.objectContaining({
        code: 'config/invalid',
        plugin: 'test.a',
        message: expect.stringMatching(/^the user configuration of test\.a /),
      }),
    );
  });
});

it('defaultsOf() takes the defaults of the schema, and no others', () => {
  const config = { type: 'object', properties: { size: { default: 1 }, name: { type: 'string' } } };
  expect(defaultsOf(resolved('test.a', { manifest: { config } }).manifest)).toEqual({ size: 1 });
  expect(defaultsOf(undefined)).toEqual({});
});

describe('notJson()', () => {
  it('has nothing against values of JSON', () => {
    expect(notJson({ a: [1, 'x', true, null], b: {} })).toEqual([]);
  });

  it('names each other value by its path', () => {
    const found = notJson({ a: [1, 2n], b: { c: new Date() }, d: Number.NaN, e: undefined });
    expect(found.map(({ path }) => path)).toEqual(['a.1', 'b.c', 'd', 'e']);
  });
});
