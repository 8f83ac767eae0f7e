/**
 * The manifest as its author keeps it: what the code says may be left out of it. It is completed
 * from `package.json` and defaults before it is checked.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createError, MAX_MANIFEST, parseManifest } from '@plinth/sdk/contract';
import { CliError } from '../terminal/cli-error.js';
import { codeFrame } from '../terminal/code-frame.js';
import { VERSION } from '../version.js';
import { JsonPlaces } from './json-places.js';
import { syntaxPlace } from './json-syntax.js';

/** JSON of a manifest, not checked. */
export type RawManifest = Readonly<Record<string, unknown>>;

/** A manifest's file. */
export interface SourceManifest {
  readonly file: string;
  readonly text: string;
  /** With what the file may leave out. */
  readonly raw: RawManifest;
}

/** One problem of a manifest. */
export interface ManifestProblem {
  readonly path: string;
  readonly message: string;
}

/**
 * Reads the manifest of a folder.
 *
 * @throws CliError `manifest/missing`; PluginManifestError.
 */
export async function readSourceManifest(folder: string): Promise<SourceManifest> {
  const file = join(folder, 'plugin.json');
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const what = cause.code === 'ENOENT' ? 'there is no plugin.json' : cause.message;
    throw new CliError('manifest/missing', `${folder} is not a plugin: ${what}`, {
      cause,
      cure: 'Name the folder of a plugin. plinth create <name> makes one.',
    });
  });
  return { file, text, raw: { ...(await defaults(folder, text, file)) } };
}

async function defaults(folder: string, text: string, file: string): Promise<RawManifest> {
  const own = objectIn(text, file);
  const of = (await readFile(join(folder, 'package.json'), 'utf8').then(
    (json) => objectIn(json, join(folder, 'package.json')),
    () => ({}),
  )) as RawManifest;
  const { author } = of as { readonly author?: string | { readonly name?: string } };
  const known: RawManifest = {
    version: of.version,
    description: of.description,
    author: typeof author === 'object' ? author?.name : author,
    license: of.license,
    main: 'plugin.js',
    engines: { plinth: `^${VERSION.split('.')[0]}.0.0` },
  };
  const given = Object.entries(known).filter(
    ([key, value]) => value !== undefined && !(key in own),
  );
  return { ...own, ...Object.fromEntries(given) };
}

/** The object in a JSON text. */
function objectIn(text: string, file: string): RawManifest {
  if (text.length > MAX_MANIFEST)
    throw createError(
      'manifest/too-large',
      `${file} has ${text.length} characters; a manifest has at most ${MAX_MANIFEST}`,
    );
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (cause) {
    const place = syntaxPlace(text);
    const { line, column } = place;
    const why = (cause as Error).message.replace(/(, ".*" is not valid JSON| in JSON at .*)$/s, '');
    throw new CliError('manifest/not-json', `${file}:${line}:${column} is not JSON: ${why}`, {
      cause,
      frame: codeFrame(text.replace(/^\ufeff/, ''), place),
      details: { file: 'plugin.json', line, column },
    });
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw new CliError('manifest/not-json', `${file} has to hold a JSON object`);
  return value as RawManifest;
}

/** What is wrong with a manifest; empty when nothing is. */
export function problemsOf(raw: RawManifest, file: string): readonly ManifestProblem[] {
  try {
    parseManifest(raw, file);
    return [];
  } catch (error) {
    const { details, message } = error as Error & {
      readonly details?: { readonly problems?: readonly ManifestProblem[] };
    };
    return details?.problems ?? [{ path: '', message }];
  }
}

/** @throws CliError `manifest/invalid` with the first problem's place and every problem. */
export function requireValid({ file, text, raw }: SourceManifest): void {
  const problems = problemsOf(raw, file);
  const [first] = problems;
  if (first === undefined) return;
  const place = new JsonPlaces(text).of(first.path);
  throw new CliError(
    'manifest/invalid',
    `${file}:${place.line}:${place.column} ${problems
      .map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
      .join('; ')}`,
    { frame: codeFrame(text, place), details: { problems } },
  );
}
