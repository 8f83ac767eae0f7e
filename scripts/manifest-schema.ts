/**
 * Writes `sdk/plugin.schema.json`, the JSON Schema of `plugin.json` for editors and tools, from the
 * schema that the kernel parses manifests with.
 */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { manifestSchema } from '@plinth/sdk/contract';
import { toJsonSchema } from '@valibot/to-json-schema';

/** What an editor shows of each key. */
const DESCRIPTIONS: Readonly<Record<keyof typeof manifestSchema.entries, string>> = {
  $schema: 'URL of this schema, for editors.',
  manifestVersion: 'Version of the format of this file.',
  id: "The plugin's unique id: lower-case words joined by '.' or '-', like com.example.notes.",
  name: 'Its name for people.',
  version: 'Its semantic version, like 1.2.0.',
  description: 'What it does.',
  author: 'The author.',
  license: 'Its license, as an SPDX expression.',
  homepage: 'URL of its home page.',
  repository: 'Location of its source code.',
  keywords: 'Search words for people.',
  main: 'Path of the one bundled file that runs, relative to this file.',
  engines: "Versions it runs with; 'plinth' counts, the others are for people and tools.",
  runtimes: 'Runtimes it supports; all when absent.',
  requiredFeatures: 'Kernel features that it requires.',
  dependencies: 'Plugins it requires, by id, with version ranges.',
  optionalDependencies: 'Plugins it uses if they are installed, by id, with version ranges.',
  provides: 'Contracts it answers, like com.example.notes@1.',
  needs: 'Contracts it calls, with ranges, like com.example.search@^1.',
  activation:
    "What starts it: startup, command:<id>, event:<topic>, hook:<id>, need:<contract>. 'startup' when absent.",
  isolation: 'Its minimum isolation; the application may isolate it further.',
  tenancy: 'Whether tenants may share one guest of it.',
  permissions:
    'The permissions it asks for, which the application may restrict. What is absent is denied.',
  resources: 'The most that it may use of each resource.',
  contributes: 'What it offers, known before it starts.',
  config: 'JSON Schema of its settings, with their defaults.',
  tags: 'Search words for programs.',
  files: "SHA-256 digests of its files by path, including 'main'; checked before the files run.",
};

/** The text of the file. */
export function manifestSchemaText(): string {
  const {
    $schema,
    properties = {},
    ...schema
  } = toJsonSchema(manifestSchema, { typeMode: 'input', errorMode: 'ignore' });
  const described = Object.entries(properties).map(([key, one]) => [
    key,
    { description: DESCRIPTIONS[key as keyof typeof DESCRIPTIONS], ...(one as object) },
  ]);
  return `${JSON.stringify({ $schema, title: 'plugin.json of Plinth', ...schema, properties: Object.fromEntries(described) }, null, 2)}\n`;
}

if (import.meta.main)
  await writeFile(
    fileURLToPath(new URL('../sdk/plugin.schema.json', import.meta.url)),
    manifestSchemaText(),
  );
