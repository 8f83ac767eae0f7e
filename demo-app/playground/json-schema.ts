/**
 * Reads a command's JSON Schema for a person who fills in a form. The schema stands in a manifest,
 * which is a plugin's own text, so any keyword may have any value.
 */
import { plainText } from './model/show-value.ts';

/** The part of a schema that is understood. */
export interface Schema {
  readonly type: string | undefined;
  readonly description: string | undefined;
  readonly properties: Readonly<Record<string, Schema>>;
  readonly required: ReadonlySet<string>;
  readonly choices: readonly unknown[] | undefined;
  readonly minimum: number | undefined;
  readonly maximum: number | undefined;
  /** A default, or the first example. */
  readonly example: unknown;
}

const MOST_DEPTH = 4;
const MOST_PROPERTIES = 60;
const MOST_CHOICES = 200;

/** What is understood of a schema. Undefined for what is none. */
export function readSchema(value: unknown, depth = 0): Schema | undefined {
  if (!isRecord(value) || depth > MOST_DEPTH) return undefined;
  const {
    type,
    description,
    properties,
    required,
    enum: choices,
    examples,
    minimum,
    maximum,
  } = value;
  const known = isRecord(properties) ? Object.entries(properties).slice(0, MOST_PROPERTIES) : [];
  return {
    type: typeof type === 'string' ? type : undefined,
    description: typeof description === 'string' ? description : undefined,
    properties: Object.fromEntries(
      known.flatMap(([name, property]) => {
        const read = readSchema(property, depth + 1);
        return read === undefined ? [] : [[name, read]];
      }),
    ),
    required: new Set(Array.isArray(required) ? required.filter(isText) : []),
    choices: Array.isArray(choices) ? choices.slice(0, MOST_CHOICES) : undefined,
    minimum: typeof minimum === 'number' ? minimum : undefined,
    maximum: typeof maximum === 'number' ? maximum : undefined,
    example: value.default ?? (Array.isArray(examples) ? examples[0] : undefined),
  };
}

/** A first input, made of examples and defaults where given. */
export function exampleOf(schema: Schema): unknown {
  if (schema.example !== undefined) return schema.example;
  if (schema.choices?.length) return schema.choices[0];
  switch (schema.type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties).map(([name, property]) => [name, exampleOf(property)]),
      );
    case 'array':
      return [];
    case 'integer':
    case 'number':
      return schema.minimum ?? 0;
    case 'boolean':
      return false;
    default:
      return '';
  }
}

/** One line about the properties: `text: string, limit?: integer 1–100`. */
export function hintOf(schema: Schema | undefined): string {
  if (schema === undefined) return 'This command takes no input.';
  return Object.entries(schema.properties)
    .map(([name, property]) => {
      const optional = schema.required.has(name) ? '' : '?';
      return `${plainText(name, 60)}${optional}: ${describe(property)}`;
    })
    .join(', ');
}

/** How a property is filled in; undefined for one that takes JSON. */
export function fieldOf({
  type,
  choices,
}: Schema): 'choice' | 'number' | 'boolean' | 'text' | undefined {
  if (choices !== undefined) return 'choice';
  if (type === 'integer' || type === 'number') return 'number';
  if (type === 'boolean') return 'boolean';
  return type === 'string' ? 'text' : undefined;
}

function describe({ type, choices, minimum, maximum }: Schema): string {
  if (choices !== undefined) return plainText(choices.slice(0, 20).join(' or '));
  const range =
    minimum === undefined && maximum === undefined ? '' : ` ${minimum ?? ''}–${maximum ?? ''}`;
  return `${plainText(type ?? 'anything', 40)}${range}`;
}

const isText = (value: unknown) => typeof value === 'string';

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
