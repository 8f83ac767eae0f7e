/**
 * Schemas of manifests: how they describe settings, and that none of them, with any value, blocks
 * the host.
 */

import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { rejection, startKernel } from '../support/kernels.ts';
import { bundleOf, pluginOf } from '../support/plugins.ts';

type Config = Record<string, unknown>;
const neighbour = pluginOf('test.neighbour', "ctx.commands.handle('ping', () => 'pong');");
const plugin = (config: Config) =>
  bundleOf('test.subject', 'export default { activate() {} };', { config });
const start = (config: Config) =>
  startKernel({ isolation: 'worker', createHost }, [neighbour, plugin(config)]);
const letters = (count: number, text = 'a') => text.repeat(count);
const many = <T>(count: number, make: (index: number) => T) =>
  Array.from({ length: count }, (_, index) => make(index));
/** A schema for one setting, with its default. */
const one = (schema: object, value: unknown): Config => ({
  properties: { it: { ...schema, default: value } },
});
/** Every format, with long texts and with ambiguous ones. */
function formats(): Config {
  const known = [
    'url',
    'uri',
    'uri-reference',
    'uri-template',
    'email',
    'hostname',
    'ipv6',
    'date-time',
    'duration',
    'json-pointer',
    'regex',
  ];
  const texts = [
    `http://${letters(40)}!`,
    letters(20_000),
    ...['a', 'a.', 'a-', '1:', '{a,', '%41', '~0/', '(', '1Y'].map((text) =>
      letters(2_000 / text.length, text),
    ),
  ];
  const all = known.flatMap((format) =>
    texts
      .flatMap((text) => [text, `${text}!`, `http://${text}`, `mailto:${text}@${text}`, `P${text}`])
      .map((text) => ({ format, text })),
  );
  return {
    properties: Object.fromEntries(
      all.map(({ format, text }, index) => [
        `p${index}`,
        { anyOf: [{ format }, true], default: text },
      ]),
    ),
  };
}

/**
 * Milliseconds that no check comes close to, even on a busy machine. Without bounds each of these
 * takes minutes, or never ends.
 */
const LONG = 10_000;

describe(`${runtime}: a manifest with`, () => {
  it.each<[string, Config, RegExp | undefined]>([
    [
      'a pattern of many stars',
      one({ pattern: '^a*a*a*a*a*a*a*a*a*b$' }, letters(400)),
      /config\/invalid.*pattern/,
    ],
    [
      'a pattern of six wildcards',
      one({ pattern: '^(.*)(.*)(.*)(.*)(.*)(.*)!$' }, letters(400)),
      /config\/invalid.*pattern/,
    ],
    [
      'a pattern that repeats a repetition',
      one({ pattern: '^(a+)+$' }, `${letters(200)}b`),
      /config\/invalid.*pattern/,
    ],
    [
      'a pattern that repeats a choice',
      one({ pattern: '^(a|a|[ab])*$' }, `${letters(200)}c`),
      /config\/invalid.*pattern/,
    ],
    [
      'a pattern that looks ahead',
      one({ pattern: '(?=(a+))a*b' }, letters(30_000)),
      /manifest\/invalid.*config\.properties\.it\.pattern: looks ahead or behind/,
    ],
    [
      'a pattern that looks behind',
      one({ pattern: '(?<!a)b' }, 'b'),
      /manifest\/invalid.*looks ahead or behind/,
    ],
    [
      'a pattern that refers back',
      one({ pattern: '^(a+)\\1$' }, letters(30_000)),
      /manifest\/invalid.*refers back/,
    ],
    [
      'a pattern that refers back by name',
      one({ pattern: '^(?<x>a+)\\k<x>$' }, letters(30_000)),
      /manifest\/invalid.*refers back/,
    ],
    [
      'a pattern that repeats too much',
      one({ pattern: '^((a{100}){100}){100}$' }, 'a'),
      /manifest\/invalid.*repeats too much/,
    ],
    [
      'a pattern that repeats nothing',
      one({ pattern: '^((((){1000}){1000}){1000})$' }, 'a'),
      /manifest\/invalid.*repeats too much/,
    ],
    [
      'a slow pattern for names',
      {
        patternProperties: { '^(a*)*(b|a)*!$': true },
        properties: { [letters(2_000)]: { default: 1 } },
      },
      undefined,
    ],
    [
      'thousands of patterns',
      {
        allOf: many(1_500, (index) => ({
          properties: { it: { pattern: `[a${index}-z]{0,40}$` } },
        })),
        ...one({}, letters(4_000)),
      },
      /repeats too much, with the other patterns/,
    ],
    [
      'hundreds of large classes',
      { allOf: many(400, (index) => ({ properties: { it: { pattern: `[\\p{L}${index}é]` } } })) },
      /manifest\/invalid.*too many classes/,
    ],
    ['every format, with texts that each repeats in its own way', formats(), undefined],
    [
      'unique items, 9 000 objects',
      one(
        { uniqueItems: true },
        many(9_000, (index) => ({ a: index })),
      ),
      undefined,
    ],
    [
      'unique items, of which two are the same',
      one({ uniqueItems: true }, [
        ...many(4_000, (index) => ({ a: index, b: [0] })),
        { b: [0], a: 7 },
      ]),
      /duplicate items, the second of them at 4000/,
    ],
    [
      'a thousand objects to choose from',
      one(
        { items: { enum: many(1_000, (index) => ({ a: letters(60) + index })) } },
        many(1_500, () => ({ a: letters(60) })),
      ),
      /config\/invalid.*Instance does not match any of/,
    ],
    [
      'a thousand conditions on thousands of items',
      one(
        { allOf: many(600, () => ({ contains: { const: 1, type: 'integer' } })) },
        many(20_000, () => 0),
      ),
      /config\/invalid.*more than can be checked|Array has 0 items/,
    ],
    [
      'checks of one value that double at each step',
      {
        $defs: {
          n: { properties: { a: { allOf: [{ $ref: '#/$defs/n' }, { $ref: '#/$defs/n' }] } } },
        },
        properties: {
          it: {
            $ref: '#/$defs/n',
            default: many(40, () => 0).reduce<object>((below) => ({ a: below }), {}),
          },
        },
      },
      undefined,
    ],
    [
      '60 000 wrong items',
      one(
        { items: { type: 'string' } },
        many(60_000, () => 1),
      ),
      /config\/invalid.*it\.0: .*\(and|it\.0/,
    ],
    [
      'thousands of unknown keys that look like known ones',
      {
        ...one(
          {
            properties: Object.fromEntries(many(60, (index) => [letters(28) + index, true])),
            additionalProperties: false,
          },
          Object.fromEntries(many(3_000, (index) => [letters(26, 'b') + index, 1])),
        ),
      },
      /config\/invalid/,
    ],
    [
      'parts that nothing has looked at, among thousands',
      {
        ...one(
          { allOf: many(300, () => ({ properties: { a: true } })), unevaluatedProperties: false },
          Object.fromEntries(many(8_000, (index) => [`k${index}`, 1])),
        ),
      },
      /config\/invalid/,
    ],
  ])('%s does not block the host', async (_, config, problem) => {
    const since = performance.now();
    const kernel = await start(config);
    expect(performance.now() - since).toBeLessThan(LONG);
    expect(await kernel.commands.execute('test.neighbour:ping')).toBe('pong');
    const { state, error } = kernel.plugins.get('test.subject') as {
      state: string;
      error?: Error & { code: string; details: { issues?: unknown[] } };
    };
    if (problem === undefined && state === 'active') return;
    expect(state).toBe('failed');
    expect(`${error?.code} ${error?.message}`).toMatch(problem ?? /more than can be checked/);
    expect(error?.message.length).toBeLessThan(20_000);
    expect(error?.details.issues?.length ?? 0).toBeLessThanOrEqual(50);
  });

  it.each([
    ['input', { pattern: '(?=a)b' }],
    ['output', { items: { pattern: '(a)\\1' } }],
  ] as const)('an unusable schema of a command is refused: %s', async (side, schema) => {
    const kernel = await startKernel({ isolation: 'worker', createHost }, [
      neighbour,
      bundleOf('test.subject', 'export default { activate() {} };', {
        contributes: { commands: [{ id: 'ok' }, { id: 'bad', [side]: schema }] },
      }),
    ]);
    expect(kernel.plugins.get('test.subject')).toMatchObject({
      state: 'failed',
      error: { code: 'manifest/invalid' },
    });
    expect(kernel.plugins.explain('test.subject').because).toContain(
      `contributes.commands.1.${side}`,
    );
  });
});

/** Each schema with values that fit, and values that don't. */
const RULES: readonly [
  name: string,
  schema: object | boolean,
  fit: readonly unknown[],
  wrong: readonly unknown[],
][] = [
  ['true', true, [1, null, {}], []],
  ['type', { type: ['integer', 'null'] }, [1, 1.0, null], [1.5, '1', true, [], {}]],
  [
    'const',
    { const: { a: [1, { b: null }] } },
    [{ a: [1, { b: null }] }],
    [{ a: [{ b: null }, 1] }, {}, '\0{"a":[1,{"b":null,},],}'],
  ],
  ['enum', { enum: [1, 'a', [], { x: 0 }] }, [1, 'a', [], { x: 0 }], ['1', [[]], { x: 1 }, null]],
  [
    'numbers',
    { minimum: 1, exclusiveMaximum: 10, multipleOf: 0.1 },
    [1, 1.1, 9.9, 'any'],
    [0.9, 10, 1.05],
  ],
  ['lengths', { minLength: 2, maxLength: 3 }, ['ab', '😀😀', '😀😀😀', 5], ['a', '😀', 'abcd']],
  [
    'pattern',
    { pattern: '^\\p{Lu}[a-z_-]{1,3}(?:\\d|\\.)?\\b' },
    ['Ab', 'Éa1', 'Zabc-'],
    ['ab', 'A', '1Ab', ''],
  ],
  ['pattern anywhere', { pattern: 'a+b|c$' }, ['xaab', 'c', 'abx'], ['a', 'cx', 'b']],
  [
    'lists',
    { minItems: 1, maxItems: 3, uniqueItems: true },
    [[1], [1, '1', true], [{ a: 1 }, { a: 2 }]],
    [
      [],
      [1, 1],
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
      [1, 2, 3, 4],
    ],
  ],
  [
    'tuples',
    { prefixItems: [{ type: 'string' }], items: { type: 'number' } },
    [[], ['a'], ['a', 1, 2]],
    [[1], ['a', 'b']],
  ],
  [
    'contains',
    { contains: { type: 'number' }, minContains: 2, maxContains: 3 },
    [
      [1, 2],
      ['a', 1, 2, 3],
    ],
    [[1], [1, 2, 3, 4], []],
  ],
  [
    'objects',
    {
      required: ['a'],
      properties: { a: { type: 'number' } },
      patternProperties: { '^x-': { type: 'string' } },
      additionalProperties: { type: 'boolean' },
    },
    [{ a: 1 }, { a: 1, 'x-y': 'z', b: true }],
    [{}, { a: 'a' }, { a: 1, 'x-y': 1 }, { a: 1, b: 1 }],
  ],
  [
    'counts of properties',
    { minProperties: 1, maxProperties: 2, propertyNames: { maxLength: 2 } },
    [{ a: 1 }, { a: 1, bc: 2 }],
    [{}, { abc: 1 }, { a: 1, b: 1, c: 1 }],
  ],
  [
    'names of the prototype',
    { properties: { valueOf: { type: 'string' } }, required: ['toString'] },
    [{ toString: 1 }],
    [{}, { toString: 1, valueOf: 1 }],
  ],
  [
    'dependencies',
    { dependentRequired: { a: ['b'] }, dependentSchemas: { c: { required: ['d'] } } },
    [{}, { a: 1, b: 1 }, { c: 1, d: 1 }],
    [{ a: 1 }, { c: 1 }],
  ],
  [
    'all, any, one, not',
    {
      allOf: [{ minimum: 1 }],
      anyOf: [{ type: 'integer' }, { maximum: 2 }],
      oneOf: [{ multipleOf: 2 }, { multipleOf: 3 }],
      not: { const: 9 },
    },
    [2, 3, 4],
    [0, 6, 9, 2.5],
  ],
  [
    'if, then, else',
    // biome-ignore lint/suspicious/noThenProperty: it is a keyword.
    { if: { type: 'number' }, then: { minimum: 1 }, else: { const: 'a' } },
    [1, 'a'],
    [0, 'b'],
  ],
  [
    'references',
    {
      $defs: {
        tree: {
          type: 'object',
          properties: { left: { $ref: '#/$defs/tree' } },
          additionalProperties: false,
        },
      },
      $ref: '#/$defs/tree',
    },
    [{}, { left: { left: {} } }],
    [{ left: { left: 1 } }, { right: {} }],
  ],
  [
    'what nothing has looked at',
    {
      allOf: [{ properties: { a: true } }],
      anyOf: [{ required: ['b'], properties: { b: true } }, true],
      unevaluatedProperties: false,
    },
    [{ a: 1 }, { a: 1, b: 1 }],
    [{ c: 1 }, { a: 1, c: 1 }],
  ],
  [
    'items that nothing has looked at',
    { prefixItems: [true], contains: { type: 'string' }, unevaluatedItems: false },
    [[1, 'a'], ['a']],
    [[1, 2, 'a']],
  ],
  [
    'draft-07',
    {
      $schema: 'http://json-schema.org/draft-07/schema#',
      items: [{ type: 'string' }],
      additionalItems: false,
      dependencies: { a: ['b'], c: { required: ['d'] } },
    },
    [['a'], { a: 1, b: 1 }, { c: 1, d: 1 }],
    [[1], ['a', 'b'], { a: 1 }, { c: 1 }],
  ],
  [
    'formats',
    {
      anyOf: [
        { format: 'date-time', pattern: 'T' },
        { format: 'email', pattern: '@' },
        { format: 'ipv6', pattern: '::' },
        { format: 'uri', pattern: '^https:' },
        { format: 'uuid', pattern: '-.*-.*-.*-' },
      ],
    },
    [
      '2024-02-29T23:59:60Z',
      'a.b@example.com',
      '::ffff:1.2.3.4',
      'https://a@b.example:1/c?d#e',
      '2eb8aa08-aa98-11ea-b4aa-73b441d16380',
    ],
    [
      '2023-02-29T00:00:00Z',
      'a..b@example.com',
      '1::2::3',
      'https://a b',
      '2eb8aa08-aa98-11ea-b4aa-73b441d1638-',
    ],
  ],
];

it(`${runtime}: settings are checked with their schema`, async () => {
  const kernel = await startKernel(
    { isolation: 'inline' },
    RULES.map(([, schema], index) =>
      bundleOf(`test.rule${index}`, 'export default { activate() {} };', {
        config: { ...defsOf(schema), properties: { it: schema } },
      }),
    ),
  );
  for (const [index, [name, , fit, wrong]] of RULES.entries()) {
    const set = (it: unknown) => kernel.config.set(`test.rule${index}`, { it }, 'runtime');
    // Objects are merged into what is there: each value starts from nothing.
    for (const value of fit) {
      await set(undefined);
      await expect(set(value), `${name}: ${JSON.stringify(value)}`).resolves.toBeUndefined();
    }
    await set(undefined);
    for (const value of wrong)
      expect((await rejection(set(value))).code, `${name}: ${JSON.stringify(value)}`).toBe(
        'config/invalid',
      );
  }
});

/** References start at the root, which also has the draft. */
const defsOf = (schema: object | boolean) => {
  const { $defs, $schema } = schema as { readonly $defs?: object; readonly $schema?: string };
  return { ...($defs && { $defs }), ...($schema && { $schema }) };
};
