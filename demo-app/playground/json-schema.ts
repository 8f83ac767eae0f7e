/** Describes a command's JSON Schema to a person who fills in a form. */

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
}

/**
 * A first input, made of examples and defaults where given; undefined when no input is expected.
 */
export function exampleOf(schema: unknown): unknown {
  return isSchema(schema) ? example(schema) : undefined;
}

/** One line about the properties: `text: string, limit?: integer 1–100`. */
export function hintOf(schema: unknown): string {
  if (!isSchema(schema)) return 'This command takes no input.';
  const required = new Set(schema.required);
  return Object.entries(schema.properties ?? {})
    .map(([name, property]) => `${name}${required.has(name) ? '' : '?'}: ${describe(property)}`)
    .join(', ');
}

function example(schema: Schema): unknown {
  if (schema.default !== undefined) return schema.default;
  if (schema.examples?.length) return schema.examples[0];
  if (schema.enum?.length) return schema.enum[0];
  switch (schema.type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([name, property]) => [
          name,
          example(property),
        ]),
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

function describe({ type, enum: choices, minimum, maximum }: Schema): string {
  if (choices !== undefined) return choices.join(' or ');
  const range =
    minimum === undefined && maximum === undefined ? '' : ` ${minimum ?? ''}–${maximum ?? ''}`;
  return `${type ?? 'anything'}${range}`;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null;
}
