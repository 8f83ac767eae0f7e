/** `compat`: the effect of a newer version of a contract on users of the older one. */
import { type AnyContract, command, compat, contract, event, hook } from '@plinth/sdk';
import { compatChecks } from '@plinth/sdk/testing';
import { toJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';

const options = { jsonSchema: (schema: unknown) => toJsonSchema(schema as v.GenericSchema) };
const text = v.string();
const one = (member: Parameters<typeof contract>[1][string]) =>
  contract('test.notes@1', { member });
const between = (older: AnyContract, newer: AnyContract) => compat(older, newer, options);
const stepOf = (older: Parameters<typeof one>[0], newer: Parameters<typeof one>[0]) =>
  between(one(older), one(newer)).step;
/** The step when one schema is replaced by another, as the input of a member. */
const input = (older: v.GenericSchema, newer: v.GenericSchema) =>
  stepOf(command({ input: older }), command({ input: newer }));
const output = (older: v.GenericSchema, newer: v.GenericSchema) =>
  stepOf(command({ output: older }), command({ output: newer }));

describe('members', () => {
  it('are the version of a contract: new ones are a minor step, removed ones a major one', () => {
    const less = contract('test.notes@1', { add: command({}) });
    const more = contract('test.notes@1', { add: command({}), added: event(text) });
    expect(between(less, less)).toEqual({
      compatible: true,
      step: 'none',
      versioned: true,
      changes: [],
    });
    expect(between(less, more)).toEqual({
      compatible: true,
      step: 'minor',
      versioned: true,
      changes: [{ member: 'added', path: '', step: 'minor', message: 'the event is new' }],
    });
    expect(between(more, less)).toMatchObject({
      compatible: false,
      step: 'major',
      versioned: false,
      changes: [{ member: 'added', message: 'the event is gone' }],
    });
    expect(between(more, contract('test.notes@2', { add: command({}) }))).toMatchObject({
      compatible: false,
      versioned: true,
    });
  });
  it('must keep their kind, and their guarantees', () => {
    expect(stepOf(command({}), hook({}))).toBe('major');
    expect(stepOf(command({ idempotent: true }), command({}))).toBe('major');
    expect(stepOf(command({}), command({ idempotent: true }))).toBe('minor');
    expect(stepOf(command({ reentrant: true }), command({}))).toBe('major');
    expect(
      stepOf(command({ timeout: 10 }), command({ timeout: 20, rate: { limit: 1, per: 1 } })),
    ).toBe('patch');
    expect(stepOf(event(text), event(text, { overflow: 'latest' }))).toBe('patch');
    expect(
      stepOf(
        command({ errors: { missing: text } }),
        command({ errors: { missing: text, full: text } }),
      ),
    ).toBe('minor');
    expect(
      stepOf(command({ errors: { missing: text } }), command({ errors: { missing: v.number() } })),
    ).toBe('major');
  });
  it('of another contract are no version of it', () => {
    expect(() => compat(one(command({})), contract('test.other@1', {}))).toThrow(
      expect.objectContaining({ code: 'contract/invalid' }),
    );
    expect(() => compat(contract('test.notes@2', {}), contract('test.notes@1', {}))).toThrow(
      expect.objectContaining({ code: 'contract/invalid' }),
    );
  });
});

describe('schemas', () => {
  const small = v.object({ text: v.string() });
  const big = v.object({ text: v.string(), tag: v.optional(v.string()) });
  const needy = v.object({ text: v.string(), tag: v.string() });
  it('of inputs may accept more, those of outputs and payloads may contain less', () => {
    expect([input(small, big), input(small, needy), input(needy, small)]).toEqual([
      'minor',
      'major',
      'minor',
    ]);
    expect([output(small, needy), output(needy, small), output(needy, big)]).toEqual([
      'minor',
      'major',
      'major',
    ]);
    expect([stepOf(event(small), event(needy)), stepOf(event(needy), event(small))]).toEqual([
      'minor',
      'major',
    ]);
  });
  it('of hooks are checked in both directions', () => {
    expect(stepOf(hook({ input: small }), hook({ input: big }))).toBe('minor');
    expect(stepOf(hook({ input: small }), hook({ input: needy }))).toBe('major');
    expect(stepOf(hook({ input: needy }), hook({ input: small }))).toBe('major');
  });
  it('are compared in all their parts', () => {
    const wider: [v.GenericSchema, v.GenericSchema][] = [
      [v.pipe(v.number(), v.integer()), v.number()],
      [v.pipe(v.number(), v.minValue(2)), v.pipe(v.number(), v.minValue(1))],
      [v.pipe(v.number(), v.maxValue(2)), v.number()],
      [v.pipe(v.string(), v.minLength(1)), v.string()],
      [v.pipe(v.string(), v.maxLength(10)), v.pipe(v.string(), v.maxLength(11))],
      [v.pipe(v.string(), v.email()), v.string()],
      [v.literal('a'), v.picklist(['a', 'b'])],
      [v.picklist(['a', 'b']), v.string()],
      [v.string(), v.union([v.string(), v.number()])],
      [v.string(), v.nullable(v.string())],
      [v.array(v.literal(1)), v.array(v.number())],
      [v.pipe(v.array(text), v.maxLength(2)), v.array(text)],
      [v.tuple([v.string(), v.string()]), v.array(v.string())],
      [v.record(v.string(), v.literal(1)), v.record(v.string(), v.number())],
      [v.strictObject({ a: text }), v.strictObject({ a: text, b: v.optional(text) })],
      [
        v.object({ a: v.object({ b: v.literal(1) }) }),
        v.object({ a: v.object({ b: v.number() }) }),
      ],
      [
        v.variant('kind', [v.object({ kind: v.literal('a') })]),
        v.variant('kind', [
          v.object({ kind: v.literal('a') }),
          v.object({ kind: v.literal('b'), n: v.number() }),
        ]),
      ],
      [v.number(), v.unknown()],
    ];
    for (const [narrow, wide] of wider) {
      const name = JSON.stringify([toJsonSchema(narrow), toJsonSchema(wide)]);
      expect([input(narrow, wide), input(wide, narrow)], name).toEqual(['minor', 'major']);
      expect(input(narrow, narrow), name).toBe('none');
      expect(
        stepOf(command({ input: wide }), command({ input: v.intersect([wide]) })),
        name,
      ).not.toBe('major');
    }
  });
  it('may refer to themselves', () => {
    interface Tree {
      readonly name: string;
      readonly children: readonly Tree[];
    }
    const treeOf = (name: v.GenericSchema<string>): v.GenericSchema<Tree> => {
      const tree: v.GenericSchema<Tree> = v.object({ name, children: v.array(v.lazy(() => tree)) });
      return tree;
    };
    const [tree, again, strict] = [
      treeOf(v.string()),
      treeOf(v.string()),
      treeOf(v.pipe(v.string(), v.maxLength(3))),
    ];
    const describing = (schema: unknown) =>
      toJsonSchema(schema as v.GenericSchema, { definitions: { tree, again, strict } });
    const step = (a: v.GenericSchema, b: v.GenericSchema) =>
      compat(one(command({ input: a })), one(command({ input: b })), { jsonSchema: describing })
        .step;
    expect([step(tree, again), step(strict, tree), step(tree, strict)]).toEqual([
      'minor',
      'minor',
      'major',
    ]);
  });
  it('differences are reported with their path', () => {
    const { changes } = between(
      one(command({ input: v.object({ a: v.object({ list: v.array(v.string()) }) }) })),
      one(command({ input: v.object({ a: v.object({ list: v.array(v.number()) }) }) })),
    );
    expect(changes).toEqual([
      {
        member: 'member',
        part: 'input',
        path: 'a.list.*',
        step: 'major',
        message: 'was string, and is number',
      },
    ]);
  });
  it('that describe themselves need no converter', () => {
    const step = (a: z.ZodType, b: z.ZodType) =>
      compat(one(command({ input: a })), one(command({ input: b }))).step;
    expect([
      step(z.object({ a: z.string() }), z.object({ a: z.string() })),
      step(z.string(), z.number()),
    ]).toEqual(['none', 'major']);
    expect(
      step(z.object({ a: z.string() }), z.object({ a: z.string(), b: z.number().optional() })),
    ).toBe('minor');
  });
  it('that cannot be compared count as breaking, unless they are the same', () => {
    const same = v.date();
    expect(input(same, same)).toBe('none');
    expect(
      between(one(command({ input: v.date() })), one(command({ input: v.date() }))).changes,
    ).toMatchObject([{ step: 'major', message: expect.stringContaining('cannot be compared') }]);
    expect(
      compat(one(command({ input: text })), one(command({ input: v.string() }))).changes[0]
        ?.message,
    ).toContain("give 'jsonSchema'");
  });
  it('with choices that double at each step are compared quickly', () => {
    const doubling = (depth: number, end: object): object =>
      depth === 0
        ? end
        : {
            type: 'object',
            properties: { a: { anyOf: [doubling(depth - 1, end), doubling(depth - 1, end)] } },
          };
    const [older, newer] = [doubling(12, { const: 1 }), doubling(12, { const: 2 })];
    const described = { jsonSchema: (schema: unknown) => (schema === text ? older : newer) };
    const since = performance.now();
    expect(
      compat(one(command({ input: text })), one(command({ input: v.number() })), described)
        .changes[0],
    ).toMatchObject({
      step: 'major',
      message: 'is too large to be compared',
    });
    expect(performance.now() - since).toBeLessThan(10_000);
  });
});

describe('the checks', () => {
  const published = contract('test.notes@1', {
    add: command({ input: v.string() }),
    get: command({ output: v.string() }),
  });
  it('pass for additions', async () => {
    const checks = compatChecks(
      published,
      contract('test.notes@1', { add: published.add, get: published.get, extra: command({}) }),
      options,
    );
    expect(checks.map(({ name }) => name)).toEqual([
      "command 'add' serves callers written for test.notes@1",
      "command 'get' serves callers written for test.notes@1",
    ]);
    for (const { run } of checks) await run();
  });
  it('name the breaking member, and accept it in a new major version', async () => {
    const members = { add: command({ input: v.number() }), get: command({ output: v.string() }) };
    const [add, get] = compatChecks(published, contract('test.notes@1', members), options);
    await expect(add?.run()).rejects.toMatchObject({
      code: 'contract/violated',
      message: expect.stringContaining(
        'input was string, and is number: this needs a new major version',
      ),
    });
    await get?.run();
    for (const { run } of compatChecks(published, contract('test.notes@2', members), options))
      await run();
  });
});
