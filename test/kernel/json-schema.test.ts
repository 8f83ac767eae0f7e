/** Values checked with JSON Schemas, both of which come from plugins. */
import { describe, expect, it } from 'vitest';
import { SchemaCheck } from '../../kernel/src/schema/json-schema.ts';
import type { JsonSchema } from '../../kernel/src/schema/schema-guard.ts';

const check = (schema: JsonSchema) => new SchemaCheck(schema, 'test.a', 'config');
const problems = (schema: JsonSchema, value: unknown, steps = 100_000) =>
  check(schema)
    .problems(value, () => steps)
    .map(({ path, message }) => `${path}: ${message}`);
const fits = (schema: JsonSchema, value: unknown) => problems(schema, value).length === 0;

describe('a check by a schema', () => {
  it('reports each problem with its path, in keys and indexes', () => {
    const schema = {
      required: ['name'],
      properties: { list: { items: { type: 'integer' } }, name: {}, size: { maximum: 3 } },
      additionalProperties: false,
    };
    expect(problems(schema, { list: [1, 'x', 2.5], size: 4, nmae: '' })).toEqual([
      ': Instance does not have required property "name".',
      'list.1: Instance type "string" is invalid. Expected "integer".',
      'list.2: Instance type "number" is invalid. Expected "integer".',
      'size: 4 is greater than 3.',
      "nmae: unknown key (did you mean 'name'?)",
    ]);
  });

  it('knows the types of JSON, and fits no value outside of it', () => {
    expect(fits({ type: ['null', 'integer'] }, 1.0)).toBe(true);
    expect(fits({ type: 'object' }, Object.create(null))).toBe(true);
    expect(fits({ type: 'object' }, [])).toBe(false);
    expect(fits({ type: 'object' }, null)).toBe(false);
    for (const value of [new Date(0), new Map(), 1n])
      expect(fits({ type: ['object', 'integer', 'number'] }, value), String(value)).toBe(false);
  });

  it('holds limits exactly at their border', () => {
    const range = { minimum: 2, exclusiveMaximum: 4 };
    expect([1, 2, 3, 4].filter((value) => fits(range, value))).toEqual([2, 3]);
    expect(fits({ multipleOf: 0.1 }, 0.3)).toBe(true);
    expect(fits({ multipleOf: 0.1 }, 0.35)).toBe(false);
    expect(fits({ maxLength: 2, minLength: 2 }, '😀😀')).toBe(true);
    expect(fits({ minItems: 1, maxItems: 1 }, [])).toBe(false);
    expect(fits({ maxProperties: 1 }, { a: 1, b: 2 })).toBe(false);
  });

  it('compares values by their contents, whatever the order of keys is', () => {
    expect(fits({ const: { a: 1, b: [null] } }, { b: [null], a: 1 })).toBe(true);
    expect(fits({ const: { a: 1 } }, { a: 1, b: undefined })).toBe(true);
    expect(fits({ enum: [0, 'x'] }, -0)).toBe(true);
    expect(fits({ enum: [1, '1'] }, true)).toBe(false);
    expect(fits({ uniqueItems: true }, [{ a: 1 }, { a: 1 }])).toBe(false);
    expect(fits({ uniqueItems: true }, [1, '1', [1], null, false])).toBe(true);
  });

  it('combines schemas', () => {
    expect(fits({ oneOf: [{ minimum: 1 }, { minimum: 5 }] }, 5)).toBe(false);
    expect(fits({ anyOf: [{ type: 'string' }, { minimum: 5 }] }, 5)).toBe(true);
    expect(fits({ not: { const: 1 } }, 1)).toBe(false);
    // biome-ignore lint/suspicious/noThenProperty: it is a keyword.
    const choice = { if: { const: 1 }, then: false, else: { type: 'string' } };
    expect([1, 2, 'x'].map((value) => fits(choice, value))).toEqual([false, false, true]);
    const unevaluated = {
      allOf: [{ properties: { a: true } }],
      properties: { b: true },
      unevaluatedProperties: false,
    };
    expect(fits(unevaluated, { a: 1, b: 1 })).toBe(true);
    expect(fits(unevaluated, { a: 1, c: 1 })).toBe(false);
  });

  it('follows references, also of a tree, and refuses one that leads nowhere', () => {
    const tree = { properties: { below: { items: { $ref: '#' } } }, required: ['name'] };
    expect(problems(tree, { name: 'a', below: [{ name: 'b', below: [{}] }] })).toEqual([
      'below.0.below.0: Instance does not have required property "name".',
    ]);
    const refused = expect.objectContaining({ code: 'manifest/invalid', plugin: 'test.a' });
    expect(() => check({ $ref: '#/$defs/none' })).toThrow(refused);
    expect(() => check({ $ref: '#' })).toThrow(refused);
    expect(() => check({ $ref: 'https://example.com/schema' })).toThrow(refused);
  });

  it('reads tuples as draft 7 writes them, and as 2020-12 does', () => {
    const old = { $schema: 'http://json-schema.org/draft-07/schema#', additionalItems: false };
    for (const schema of [
      { ...old, items: [{ type: 'string' }] },
      { prefixItems: [{ type: 'string' }], items: false },
    ])
      expect([['a'], [1], ['a', 1]].filter((list) => fits(schema, list))).toEqual([['a']]);
  });

  it('takes a key that every object inherits as a plain key', () => {
    expect(fits({ required: ['toString'] }, {})).toBe(false);
    const own = JSON.parse('{"__proto__": 1, "constructor": 1}') as object;
    expect(fits({ properties: {}, additionalProperties: false }, own)).toBe(false);
  });

  it('reports 50 problems at most', () => {
    expect(problems({ items: false }, Array(500).fill(0))).toHaveLength(50);
  });

  it('ends with a problem when it costs too much, is too deep or cannot be read', () => {
    const long = Array<string>(1_000).fill('');
    expect(problems({ items: { type: 'string' } }, long, 500)[0]).toContain('more than can be');
    let deep: unknown = [];
    for (let count = 0; count < 1_000; count++) deep = [deep];
    expect(problems({ items: { $ref: '#' } }, deep)[0]).toContain('is more than can be checked');
    const unreadable = Proxy.revocable({}, {});
    unreadable.revoke();
    expect(problems({ properties: { key: true } }, unreadable.proxy)[0]).toContain(
      'cannot be checked',
    );
  });
});
