/** Checks a plugin as far as that is possible without a kernel: its sources, or its package. */
import { readFile, stat } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { checkOptionNames, type Manifest, satisfies } from '@plinth/sdk/contract';
import { bundleWith } from '../bundle/bundle-plugin.js';
import { completeManifest } from '../bundle/complete-manifest.js';
import { checkImports } from '../bundle/dynamic-imports.js';
import type { Facts } from '../bundle/facts.js';
import { entryIn } from '../bundle/find-entry.js';
import { Inspector } from '../bundle/inspect.js';
import { filesIn } from '../files/write-files.js';
import { JsonPlaces } from '../manifest/json-places.js';
import type { RawManifest } from '../manifest/source-manifest.js';
import { CliError } from '../terminal/cli-error.js';
import type { Place } from '../terminal/code-frame.js';
import { VERSION } from '../version.js';
import { checkCalls } from './check-calls.js';
import { checkGlobals } from './check-globals.js';
import { checkPermissions } from './check-permissions.js';
import { checkRelease, type Release } from './check-release.js';
import { type Finding, RULES, type RuleId, START } from './finding.js';
import { parseSource, type SourceFile } from './parse-source.js';
import { digestProblems, manifestIn, readPackage, textIn } from './read-package.js';

/** How a plugin is validated. */
export interface ValidateOptions {
  /** Source file; `src/index` with a common extension when absent. */
  readonly entry?: string;
  /** The last released version, to compare with: a folder with a package, or an archive. */
  readonly against?: string;
}

/** What validation answers. */
export interface Validation {
  /** Whether there is no error. */
  readonly ok: boolean;
  /** By file and place. */
  readonly findings: readonly Finding[];
}

/** Bundles from here on are reported as large. */
const LARGE = 512 * 1_024;

/**
 * Validates a plugin: a folder with sources, a folder with a package, or a `.plinth` archive.
 *
 * @throws CliError when there is nothing at the path, or the released version can't be read.
 * @example
 * const { ok, findings } = await validatePlugin('./plugins/notes');
 */
export async function validatePlugin(
  path: string,
  options: ValidateOptions = {},
): Promise<Validation> {
  checkOptionNames('validatePlugin()', options, ['entry', 'against']);
  const root = resolve(path);
  const found = await stat(root).catch(() => undefined);
  if (found === undefined) await readPackage(root);
  const older = options.against === undefined ? undefined : await releaseAt(options.against);
  const hasSources =
    found?.isDirectory() === true &&
    (options.entry !== undefined || (await entryIn(root)) !== undefined);
  const check = hasSources ? checkSources(root, options) : checkPackage(root);
  const { findings, release } = await check;
  const all = [
    ...findings,
    ...(older !== undefined && release !== undefined ? checkRelease(older, release) : []),
  ].sort(byPlace);
  return { ok: all.every(({ severity }) => severity !== 'error'), findings: all };
}

interface Checked {
  readonly findings: readonly Finding[];
  readonly release?: Release;
}

async function checkSources(root: string, options: ValidateOptions): Promise<Checked> {
  const text = await readFile(join(root, 'plugin.json'), 'utf8').catch(() => '');
  const places = placesIn(text);
  try {
    const { manifest, files, facts, inputs } = await bundleWith(new Inspector(), root, {
      ...(options.entry !== undefined && { entry: options.entry }),
    });
    const sources = await readSources(root, inputs);
    return {
      findings: [
        ...checkManifest(manifest, places),
        ...checkFacts(facts),
        ...checkSize(files.get(manifest.main) ?? '', manifest.main),
        ...checkPermissions(manifest, sources, places),
        ...sources.flatMap((one) => [...checkGlobals(one), ...checkCalls(one)]),
      ],
      release: { id: manifest.id, version: manifest.version, facts },
    };
  } catch (error) {
    const failed = findingsOf(error, places);
    const sources = await readSources(
      root,
      (await filesIn(join(root, 'src'))).map((one) => join(root, 'src', one)),
    );
    return { findings: [...failed, ...sources.flatMap((one) => checkGlobals(one))] };
  }
}

async function checkPackage(path: string): Promise<Checked> {
  let places: JsonPlaces | undefined;
  try {
    const files = await readPackage(path);
    const text = textIn(files, 'plugin.json');
    places = placesIn(text);
    const manifest = manifestIn(files);
    const code = textIn(files, manifest.main);
    const facts = await new Inspector().inspect({ code, contract: undefined }, manifest.main);
    const source = parseSource(manifest.main, code);
    const raw = JSON.parse(text.replace(/^\ufeff/, '')) as RawManifest;
    const { disagreements } = completeManifest(raw, facts);
    const seen =
      source === undefined
        ? []
        : [
            ...checkPermissions(manifest, [source], places),
            ...checkGlobals(source),
            ...checkImports(source),
          ];
    return {
      findings: [
        ...problemFindings('manifest/disagrees', disagreements, places),
        ...digestFindings(digestProblems(files, manifest), places),
        ...checkManifest(manifest, places),
        ...checkSize(code, manifest.main),
        // What a bundler has renamed may hide a use.
        ...seen.filter(({ rule }) => rule !== 'permission/unused'),
      ],
      release: { id: manifest.id, version: manifest.version, facts },
    };
  } catch (error) {
    if (error instanceof CliError && error.code.startsWith('package/')) throw error;
    return { findings: findingsOf(error, places) };
  }
}

async function releaseAt(path: string): Promise<Release> {
  const files = await readPackage(resolve(path));
  const { id, version, main } = manifestIn(files);
  const facts = await new Inspector().inspect(
    { code: textIn(files, main), contract: undefined },
    main,
  );
  return { id, version, facts };
}

/** The plugin's own source files among those that went into its bundle. */
async function readSources(
  root: string,
  inputs: readonly string[],
): Promise<readonly SourceFile[]> {
  const sources: SourceFile[] = [];
  for (const input of [...inputs].sort()) {
    const file = relative(root, input).split(sep).join('/');
    if (/^\.\.|(^|\/)(node_modules|dist)\//.test(file) || !/\.[cm]?[jt]sx?$/.test(file)) continue;
    if (/\.d\.[cm]?ts$|\.test\.[cm]?[jt]sx?$/.test(file)) continue;
    const source = parseSource(file, await readFile(input, 'utf8'));
    if (source !== undefined) sources.push(source);
  }
  return sources;
}

function checkManifest({ engines }: Manifest, places: JsonPlaces): readonly Finding[] {
  if (satisfies(VERSION, engines.plinth)) return [];
  return [
    {
      rule: 'engines/unsupported',
      severity: 'error',
      message: `the plugin asks for Plinth ${engines.plinth}, and this is ${VERSION}`,
      file: 'plugin.json',
      place: places.of('engines.plinth'),
      cure: `Write "plinth": "^${VERSION.split('.')[0]}.0.0", or install the version that it asks for.`,
    },
  ];
}

function checkFacts({ unconverted }: Facts): readonly Finding[] {
  return unconverted.map((schema) => ({
    rule: 'schema/not-json',
    severity: 'warning',
    message: `the schema '${schema}' can't be said as JSON Schema in all its parts, so tools and people don't see them`,
    file: 'plugin.json',
    place: START,
    cure: 'Use a schema of plain values, or describe it by hand in contributes.',
  }));
}

function checkSize(code: string, file: string): readonly Finding[] {
  const size = Buffer.byteLength(code);
  if (size <= LARGE) return [];
  return [
    {
      rule: 'bundle/large',
      severity: 'warning',
      message: `the bundle has ${size} bytes; each start of the plugin reads and parses all of it`,
      file,
      place: START,
      cure: 'Import parts of libraries, or smaller ones.',
    },
  ];
}

function digestFindings(
  problems: ReturnType<typeof digestProblems>,
  places: JsonPlaces,
): readonly Finding[] {
  const words = {
    changed: 'is not the file that the manifest describes',
    gone: 'is in the manifest, and not in the package',
    unlisted: 'is in the package, and has no digest in the manifest',
  };
  return problems.map(({ path, kind }) => ({
    rule: kind === 'unlisted' ? 'package/unlisted' : 'package/digest',
    severity: kind === 'unlisted' ? 'warning' : 'error',
    message: `'${path}' ${words[kind]}`,
    file: 'plugin.json',
    place: places.of(`files.${path}`),
    cure: 'Bundle the plugin again: plinth bundle writes files and digests together.',
  }));
}

/** An error as findings: one for each problem that it tells. */
function findingsOf(error: unknown, places: JsonPlaces | undefined): readonly Finding[] {
  const { code, details, message, cure } = error as Partial<CliError> & Error;
  if (code === undefined || !(Object.hasOwn(RULES, code) || code === 'package/missing'))
    throw error;
  const { problems, disagreements, file, line, column } = (details ?? {}) as {
    readonly problems?: readonly Problem[];
    readonly disagreements?: readonly Problem[];
    readonly file?: string;
    readonly line?: number;
    readonly column?: number;
  };
  const listed = problems ?? disagreements;
  if (listed !== undefined) return problemFindings(code as RuleId, listed, places);
  const place = line === undefined || column === undefined ? START : { line, column };
  const at = file ?? (code.startsWith('bundle/') ? 'src' : 'plugin.json');
  return [
    {
      rule: code as RuleId,
      severity: 'error',
      message: message.replace(/^\S+:\d+:\d+ /, ''),
      file: at,
      place,
      ...(cure !== undefined && { cure }),
    },
  ];
}

interface Problem {
  readonly path: string;
  readonly message: string;
}

function problemFindings(
  rule: RuleId,
  problems: readonly Problem[],
  places: JsonPlaces | undefined,
): readonly Finding[] {
  return problems.map(({ path, message }) => ({
    rule,
    severity: 'error',
    message: path === '' ? message : `${path}: ${message}`,
    file: 'plugin.json',
    place: places?.of(path) ?? START,
    cure:
      rule === 'manifest/disagrees'
        ? 'Correct one of them, or leave the key out of plugin.json: bundling writes it.'
        : 'The schema of plugin.json is @plinth/sdk/plugin.schema.json; editors show it.',
  }));
}

/** Places in a text that may be no JSON. */
function placesIn(text: string): JsonPlaces {
  try {
    JSON.parse(text.replace(/^\ufeff/, ''));
    return new JsonPlaces(text);
  } catch {
    return new JsonPlaces('{}');
  }
}

function byPlace(a: Finding, b: Finding): number {
  const file = a.file < b.file ? -1 : Number(a.file > b.file);
  return file || lineOf(a.place) - lineOf(b.place) || a.place.column - b.place.column;
}

const lineOf = ({ line }: Place) => line;
