/** Describes the schemas of a plugin's code: as JSON Schema, before and after they parse a value. */
import { type ConversionConfig, toJsonSchema } from '@valibot/to-json-schema';
import type { GenericSchema } from 'valibot';
import { type Described, type JsonSchema, NOTHING } from './facts.js';

type Json = Record<string, unknown>;
type Mode = 'input' | 'output';
type OverrideSchema = NonNullable<ConversionConfig['overrideSchema']>;
type OverrideAction = NonNullable<ConversionConfig['overrideAction']>;

interface Standard {
  readonly vendor: string;
  validate(value: unknown): unknown;
  readonly jsonSchema?: Readonly<Record<Mode, (options: { readonly target: string }) => unknown>>;
}

/**
 * The description of a schema.
 *
 * @param onLoss hears that the schema can't be said as JSON Schema in all its parts.
 */
export function described(schema: unknown, onLoss: () => void): Described {
  const stream = streamOf(schema);
  if (stream !== undefined) return { stream };
  const standard = standardOf(schema);
  if (standard === undefined) return {};
  const before = jsonSchema(schema, standard, 'input', onLoss);
  // What is lost of the parsed value was told above, or is made by the code alone.
  const after = jsonSchema(schema, standard, 'output', () => {});
  const nothing = parsedNothing(standard);
  const input = before && nothing !== undefined ? orNothing(before) : before;
  const output = after && nothing && nothing.value === undefined ? orNothing(after) : after;
  return { ...(input && { input }), ...(output && { output }) };
}

/** A schema as JSON Schema, of values that are objects. */
export function describedObject(schema: unknown, onLoss: () => void): JsonSchema | undefined {
  const standard = standardOf(schema);
  return standard && jsonSchema(schema, standard, 'input', onLoss);
}

const standardOf = (schema: unknown) =>
  (Object(schema) as { readonly '~standard'?: Standard })['~standard'];

/** What a stream of the SDK holds. */
function streamOf(schema: unknown): Described['stream'] {
  const { stream } = Object(schema) as { readonly stream?: { readonly item?: unknown } };
  if (stream === undefined || standardOf(schema)?.vendor !== 'plinth') return undefined;
  return stream.item === undefined ? 'bytes' : { item: described(stream.item, () => {}) };
}

/** What undefined is parsed to. Absent when a schema doesn't take it, or its code fails for it. */
function parsedNothing({ validate }: Standard): { readonly value?: unknown } | undefined {
  try {
    const result = validate(undefined);
    const { issues, value } = Object(result) as Json;
    return result instanceof Promise || issues !== undefined ? undefined : { value };
  } catch {
    return undefined;
  }
}

/** Undefined when there is none, or none of it can be said in JSON. */
function jsonSchema(
  schema: unknown,
  { vendor, jsonSchema: own }: Standard,
  mode: Mode,
  onLoss: () => void,
): JsonSchema | undefined {
  try {
    const made =
      vendor === 'valibot'
        ? fromValibot(schema as GenericSchema, mode, onLoss)
        : own?.[mode]({ target: 'draft-2020-12' });
    if (made === undefined || made === null || typeof made !== 'object')
      throw new Error('it does not describe itself');
    const { $schema: _, ...plain } = JSON.parse(JSON.stringify(made)) as Json;
    const whole = vendor === 'valibot' ? (withNothing(plain) as Json) : plain;
    return Object.keys(whole).length === 0 ? undefined : whole;
  } catch {
    onLoss();
    return undefined;
  }
}

/** Leaves out what can't be said: it then accepts any value. */
function fromValibot(schema: GenericSchema, typeMode: Mode, onLoss: () => void): unknown {
  const config: ConversionConfig = {
    typeMode,
    overrideSchema: (context) => markOptional(context, typeMode),
    ...(typeMode === 'output' && { overrideAction: resultOf }),
  };
  try {
    return toJsonSchema(schema, { ...config, errorMode: 'throw' });
  } catch {
    onLoss();
    return toJsonSchema(schema, { ...config, errorMode: 'ignore' });
  }
}

/** Marks, until `withNothing` reads them: a value may be undefined; a property is always there. */
const [MAY_LACK, IS_FILLED] = ['~mayLack', '~isFilled'] as const;
const OPTIONAL: ReadonlySet<string> = new Set([
  'optional',
  'undefinedable',
  'nullish',
  'exact_optional',
]);

const markOptional = (
  { valibotSchema, jsonSchema: made }: Parameters<OverrideSchema>[0],
  mode: Mode,
): ReturnType<OverrideSchema> => {
  const { type, default: filled } = valibotSchema as { type: string; default?: unknown };
  if (type === 'undefined' || type === 'void') return NOTHING as typeof made;
  if (!OPTIONAL.has(type)) return undefined;
  const mark = mode === 'output' && filled !== undefined ? IS_FILLED : MAY_LACK;
  return { ...made, [mark]: true } as typeof made;
};

/** What an action makes of a value: the library's own description is of the value before. */
const MADE: Readonly<Record<string, object>> = {
  to_number: { type: 'number' },
  to_string: { type: 'string' },
  to_boolean: { type: 'boolean' },
  stringify_json: { type: 'string' },
};
const CHANGING: ReadonlySet<string> = new Set([
  ...['transform', 'raw_transform', 'parse_json', 'find_item', 'map_items', 'reduce_items'],
  ...['to_bigint', 'to_date'],
]);

const resultOf = ({
  valibotAction: { type },
  jsonSchema: made,
}: Parameters<OverrideAction>[0]): ReturnType<OverrideAction> =>
  CHANGING.has(type) || Object.hasOwn(MADE, type) ? ((MADE[type] ?? {}) as typeof made) : undefined;

const orNothing = (schema: JsonSchema): JsonSchema => {
  const { $defs, default: filled, ...rest } = schema;
  const choices = Array.isArray(rest['anyOf']) && Object.keys(rest).length === 1;
  const all = choices ? (rest['anyOf'] as readonly unknown[]) : [rest];
  if (all.some((one) => JSON.stringify(one) === JSON.stringify(NOTHING))) return schema;
  return {
    ...($defs !== undefined && { $defs }),
    ...(filled !== undefined && { default: filled }),
    anyOf: [...all, NOTHING],
  };
};

/** Replaces the marks. A property needs none: one that is undefined counts as absent. */
function withNothing(schema: unknown, isProperty = false): unknown {
  if (Array.isArray(schema)) return schema.map((one) => withNothing(one));
  if (schema === null || typeof schema !== 'object') return schema;
  const { [MAY_LACK]: mayLack, [IS_FILLED]: _, ...rest } = schema as Json;
  const parts = Object.entries(rest).map(([key, value]) => [key, partOf(key, value)] as const);
  const whole: Json = Object.fromEntries(parts);
  const { properties } = rest as { readonly properties?: Readonly<Record<string, Json>> };
  if (properties !== undefined) whole['required'] = requiredOf(properties, rest['required']);
  return mayLack === true && !isProperty ? orNothing(whole) : whole;
}

function partOf(key: string, value: unknown): unknown {
  if (key === 'properties' || key === '$defs')
    return Object.fromEntries(
      Object.entries(Object(value) as Json).map(([name, one]) => [
        name,
        withNothing(one, key === 'properties'),
      ]),
    );
  return LITERAL.has(key) ? value : withNothing(value);
}

/** Keywords whose values are no schemas. */
const LITERAL: ReadonlySet<string> = new Set(['const', 'default', 'enum', 'examples', 'required']);

function requiredOf(properties: Readonly<Record<string, Json>>, given: unknown): readonly string[] {
  const listed = Array.isArray(given) ? given : [];
  return Object.entries(properties).flatMap(([name, one]) =>
    one[IS_FILLED] === true || (listed.includes(name) && one[MAY_LACK] !== true) ? [name] : [],
  );
}
