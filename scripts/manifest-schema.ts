/**
 * Writes `sdk/plugin.schema.json`, the JSON Schema of `plugin.json` for editors and tools, from the
 * schema that the kernel parses manifests with.
 */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { manifestSchema } from '@plinth/sdk/contract';
import { toJsonSchema } from '@valibot/to-json-schema';
import { MANIFEST_WORDS } from './manifest-words.ts';

interface Part {
  readonly properties?: Readonly<Record<string, Part>>;
  readonly items?: Part;
  readonly anyOf?: readonly Part[];
}

/** A part with the sentences of the keys below it. @throws for a key without one. */
function described(part: Part, path: string, used: Set<string>): Part {
  const { properties, items, anyOf } = part;
  const below = (key: string, one: Part) => {
    const name = path === '' ? key : `${path}.${key}`;
    const description = MANIFEST_WORDS[name];
    if (description === undefined) throw new Error(`manifest-words.ts says nothing of '${name}'`);
    used.add(name);
    return [key, { description, ...described(one, name, used) }] as const;
  };
  return {
    ...part,
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([key, one]) => below(key, one)),
      ),
    }),
    ...(items && { items: described(items, `${path}[]`, used) }),
    ...(anyOf && { anyOf: anyOf.map((one) => described(one, path, used)) }),
  };
}

/** The text of the file. */
export function manifestSchemaText(): string {
  const { $schema, ...schema } = toJsonSchema(manifestSchema, {
    typeMode: 'input',
    errorMode: 'ignore',
  });
  const used = new Set<string>();
  const { properties, ...rest } = described(schema as Part, '', used);
  const unused = Object.keys(MANIFEST_WORDS).filter((name) => !used.has(name));
  if (unused.length > 0) throw new Error(`there are no keys ${unused.join(', ')}`);
  return `${JSON.stringify({ $schema, title: 'plugin.json of Plinth', ...rest, properties }, null, 2)}\n`;
}

if (import.meta.main)
  await writeFile(
    fileURLToPath(new URL('../sdk/plugin.schema.json', import.meta.url)),
    manifestSchemaText(),
  );
