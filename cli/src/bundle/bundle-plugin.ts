/** From a plugin's sources to the files of its package, in memory. */
import { createHash } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';
import { checkOptionNames, MAX_MANIFEST, type Manifest, parseManifest } from '@plinth/sdk/contract';
import { JsonPlaces } from '../manifest/json-places.js';
import {
  type RawManifest,
  readSourceManifest,
  requireValid,
  type SourceManifest,
} from '../manifest/source-manifest.js';
import { CliError } from '../terminal/cli-error.js';
import { codeFrame } from '../terminal/code-frame.js';
import { completeManifest, type Disagreement } from './complete-manifest.js';
import { contractTypes } from './contract-types.js';
import type { Facts } from './facts.js';
import { contractIn, requireEntry } from './find-entry.js';
import { Inspector } from './inspect.js';
import { migrationFiles } from './migration-files.js';
import { type RolledUp, rollUp } from './roll-up.js';

/** How a plugin is bundled. */
export interface BundleOptions {
  /** Source file; `src/index` with a common extension when absent. */
  readonly entry?: string;
  /** Whether the code is minified; yes when absent. */
  readonly minify?: boolean;
  /** Largest bundle in bytes; 4 MiB when absent. */
  readonly maxSize?: number;
  /** Whether the package has the module and the types of its contracts; yes when absent. */
  readonly contract?: boolean;
}

const BUNDLE_OPTIONS = ['entry', 'minify', 'maxSize', 'contract'] satisfies (keyof BundleOptions)[];

/** A bundled plugin. */
export interface PluginBundle {
  readonly manifest: Manifest;
  /** Every file of the package by its path: manifest, bundle, source map, types of its contracts, migrations. */
  readonly files: ReadonlyMap<string, string>;
  /** Schemas of the code that JSON Schema can't express, in whole or in part. */
  readonly unconverted: readonly string[];
  /** Absolute paths of the files it was made of. */
  readonly inputs: readonly string[];
}

/** Bytes that a bundle may have unless `maxSize` says otherwise. */
export const MAX_BUNDLE = 4 * 1_048_576;

/**
 * Bundles a plugin, in memory. Evaluates its module to learn what it declares, in a process without
 * files, environment or modules of Node.
 *
 * @param folder the plugin's, with its `plugin.json` and its sources.
 * @throws CliError with a `code` that begins with `bundle/` or `manifest/`; PluginConfigurationError
 * `kernel/invalid-option` for options that don't exist.
 * @example
 * const { manifest, files } = await bundlePlugin('./plugins/notes');
 */
export async function bundlePlugin(
  folder: string,
  options: BundleOptions = {},
): Promise<PluginBundle> {
  checkOptionNames('bundlePlugin()', options, BUNDLE_OPTIONS);
  return bundleWith(new Inspector(), folder, options);
}

/** The same with an inspector that is kept, for programs that bundle often. */
export async function bundleWith(
  inspector: Inspector,
  folder: string,
  options: BundleOptions,
): Promise<PluginBundle & { readonly facts: Facts }> {
  const root = resolve(folder);
  const source = await readSourceManifest(root);
  requireValid(source);
  const migrations = await migrationFiles(root, source.raw);
  const built = { ...(await build(root, source, options)), migrations };
  const facts = await inspector.inspect(
    { code: built.main.code, contract: built.contract?.code },
    built.entry,
  );
  return { ...assemble(source, built, facts), inputs: inputsOf(source, built), facts };
}

/** The modules of a plugin. */
interface Built {
  readonly entry: string;
  readonly main: RolledUp;
  readonly contract: RolledUp | undefined;
  /** Texts by path. */
  readonly migrations: ReadonlyMap<string, string>;
}

async function build(
  root: string,
  { raw }: SourceManifest,
  options: BundleOptions,
): Promise<Omit<Built, 'migrations'>> {
  const { minify = true, maxSize = MAX_BUNDLE, contract: wanted = true } = options;
  const [entry, contractFile] = await Promise.all([
    requireEntry(root, options.entry),
    wanted ? contractIn(root) : undefined,
  ]);
  const runtimes = Array.isArray(raw.runtimes) ? raw.runtimes.map(String) : ['browser', 'node'];
  const common = { folder: root, minify, runtimes };
  const both = [
    rollUp({ ...common, entry, name: fileName(raw) }),
    contractFile === undefined
      ? undefined
      : rollUp({ ...common, entry: contractFile, name: 'contract.js' }),
  ] as const;
  // Both are done before one fails, and what is wrong with the plugin itself is told first.
  await Promise.allSettled(both);
  const [main, contract] = await Promise.all(both);
  const size = Buffer.byteLength(main.code);
  if (size > maxSize)
    throw new CliError(
      'bundle/too-large',
      `the bundle has ${size} bytes, more than the limit of ${maxSize}`,
      { cure: 'Import less, or raise the limit with --max-size.', details: { size, maxSize } },
    );
  return { entry, main, contract };
}

const fileName = (raw: RawManifest) => mainOf(raw).split('/').at(-1) as string;
const mainOf = (raw: RawManifest) => String(raw.main).replace(/^\.\//, '');

function assemble(
  source: SourceManifest,
  { main, contract, migrations }: Built,
  facts: Facts,
): Omit<PluginBundle, 'inputs'> {
  const path = mainOf(source.raw);
  const { manifest, disagreements } = completeManifest(source.raw, facts);
  if (disagreements.length > 0) throw disagreed(source, disagreements);
  const types = contractTypes(facts);
  const files = new Map<string, string>([
    [path, withMap(main.code, `${fileName(source.raw)}.map`)],
    [`${path}.map`, main.map],
    ...(types !== undefined && contract !== undefined
      ? ([
          ['contract.d.ts', types],
          ['contract.js', contract.code],
        ] as const)
      : []),
    ...migrations,
  ]);
  const text = manifestText(manifest, files, source.file);
  return {
    manifest: parseManifest(text, source.file),
    files: new Map([['plugin.json', text], ...files]),
    unconverted: facts.unconverted,
  };
}

function withMap(code: string, map: string): string {
  return `${code.replace(/\n?\/\/# sourceMappingURL=.*\n?$/, '').trimEnd()}\n//# sourceMappingURL=${map}\n`;
}

function manifestText(
  manifest: RawManifest,
  files: ReadonlyMap<string, string>,
  file: string,
): string {
  const digests = [...files]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([path, content]) => [path, createHash('sha256').update(content).digest('hex')]);
  // The address of the schema is that of the author's editor.
  const { $schema: _, ...rest } = manifest;
  const shipped = { ...rest, files: Object.fromEntries(digests) };
  const text = `${JSON.stringify(shipped, null, 2)}\n`;
  if (text.length > MAX_MANIFEST)
    throw new CliError(
      'manifest/too-large',
      `${file} has ${text.length} characters with the schemas of its contracts, at most ${MAX_MANIFEST}`,
      { cure: "Write smaller schemas by hand in 'contributes': what is written is kept." },
    );
  return text;
}

/** The error of a manifest that says something else than the code. */
function disagreed({ file, text }: SourceManifest, all: readonly Disagreement[]): CliError {
  const places = new JsonPlaces(text);
  const [first] = all;
  const lines = all.map(({ path, message }) => {
    const { line, column } = places.of(path);
    return `${file}:${line}:${column} ${path}: ${message}`;
  });
  return new CliError(
    'manifest/disagrees',
    `the manifest and the code disagree:\n${lines.join('\n')}`,
    {
      frame: codeFrame(text, places.of(first?.path ?? '')),
      cure: 'Correct one of them, or leave the key out of plugin.json: bundling writes it.',
      details: { disagreements: all },
    },
  );
}

function inputsOf(
  { file }: SourceManifest,
  { main, contract, migrations }: Built,
): readonly string[] {
  const texts = [...migrations.keys()].map((path) => join(dirname(file), path));
  return [...new Set([file, ...main.inputs, ...(contract?.inputs ?? []), ...texts])];
}
