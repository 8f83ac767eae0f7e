/** Writes `contract.d.ts`: a plugin's contracts as types that need nothing but `@plinth/sdk`. */
import {
  type ContractFacts,
  type Described,
  type Facts,
  type MemberFacts,
  NOTHING,
} from './facts.js';

/** The text; undefined when the module of the contracts exports none that the plugin provides. */
export function contractTypes({ provides, exports }: Facts): string | undefined {
  const known = new Map(provides.map((one) => [one.id, one]));
  const declared = Object.entries(exports)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([name, id]) => {
      const facts = known.get(id);
      return facts === undefined ? [] : [declaration(name, facts)];
    });
  if (declared.length === 0) return undefined;
  const text = declared.join('\n');
  const used = ['Command', 'Contract', 'Event', 'Hook', 'Schema', 'Stream', 'StreamInput'].filter(
    (name) => new RegExp(`\\b${name}<`).test(text),
  );
  return `import type { ${used.join(', ')} } from '@plinth/sdk';\n\n${text}`;
}

function declaration(name: string, { id, members }: ContractFacts): string {
  const lines = members.map((member) => `    readonly ${member.name}: ${memberType(member)};\n`);
  return `export declare const ${name}: Contract<\n  ${JSON.stringify(id)},\n  {\n${lines.join('')}  }\n>;\n`;
}

function memberType({ kind, input, output, payload, errors }: MemberFacts): string {
  if (kind === 'event') return `Event<${schemaType(payload)}>`;
  if (kind === 'hook') return `Hook<${schemaType(input)}, ${schemaType(output)}>`;
  const declared = Object.entries(errors).map(
    ([code, schema]) => `readonly ${keyOf(code)}: ${schemaType(schema)}`,
  );
  const third = declared.length === 0 ? 'Record<never, Schema>' : `{ ${declared.join('; ')} }`;
  return `Command<${schemaType(input)}, ${schemaType(output)}, ${third}>`;
}

function schemaType(schema: Described): string {
  const [before, after] = [typeBefore(schema), typeAfter(schema)];
  return before === after ? `Schema<${before}>` : `Schema<${before}, ${after}>`;
}

/** What a caller, or a provider of an answer, writes. */
const typeBefore = ({ input, stream }: Described): string =>
  stream === undefined
    ? typeOf(input)
    : `StreamInput<${stream === 'bytes' ? 'Uint8Array' : typeBefore(stream.item)}>`;

/** What the other side reads. */
const typeAfter = ({ output, stream }: Described): string =>
  stream === undefined
    ? typeOf(output)
    : stream === 'bytes'
      ? 'ReadableStream<Uint8Array>'
      : `Stream<${typeAfter(stream.item)}>`;

/** Deepest value that is written out. */
const MAX_DEPTH = 12;

/** The type of the values that a JSON Schema accepts; `unknown` for what it can't say. */
export function typeOf(schema: unknown, depth = 0): string {
  if (schema === null || typeof schema !== 'object' || depth > MAX_DEPTH) return 'unknown';
  const {
    type,
    enum: values,
    const: only,
    anyOf,
    oneOf,
    allOf,
    items,
    properties,
  } = schema as Readonly<Record<string, unknown>>;
  const inner = (one: unknown) => typeOf(one, depth + 1);
  if (JSON.stringify(schema) === JSON.stringify(NOTHING)) return 'undefined';
  if (only !== undefined) return JSON.stringify(only);
  if (Array.isArray(values)) return union(values.map((value) => JSON.stringify(value)));
  const choices = anyOf ?? oneOf;
  if (Array.isArray(choices)) return union(choices.map(inner));
  if (Array.isArray(allOf)) return allOf.map((one) => `(${inner(one)})`).join(' & ') || 'unknown';
  if (Array.isArray(type)) return union(type.map((one) => inner({ ...schema, type: one })));
  switch (type) {
    case 'string':
    case 'boolean':
    case 'null':
      return type;
    case 'number':
    case 'integer':
      return 'number';
    case 'array':
      return items === undefined ? 'unknown[]' : `Array<${inner(items)}>`;
    case 'object':
      return properties === undefined ? recordType(schema, inner) : objectType(schema, inner);
    default:
      return 'unknown';
  }
}

function recordType(schema: object, inner: (one: unknown) => string): string {
  const { additionalProperties } = schema as { readonly additionalProperties?: unknown };
  return `Record<string, ${inner(additionalProperties)}>`;
}

function objectType(schema: object, inner: (one: unknown) => string): string {
  const { properties, required } = schema as {
    readonly properties: Readonly<Record<string, unknown>>;
    readonly required?: unknown;
  };
  const needed = Array.isArray(required) ? required : [];
  const members = Object.entries(properties).map(
    ([name, value]) => `${keyOf(name)}${needed.includes(name) ? '' : '?'}: ${inner(value)}`,
  );
  return members.length === 0 ? '{}' : `{ ${members.join('; ')} }`;
}

const union = (types: readonly string[]) =>
  types.length === 0
    ? 'never'
    : types.length === 1
      ? (types[0] as string)
      : `(${types.join(' | ')})`;
const keyOf = (name: string) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name));
