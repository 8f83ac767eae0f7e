/** Makes one ES module of a source file and everything that it imports. */
import { readFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { join, relative, sep } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { type Plugin, rolldown } from 'rolldown';
import { CliError } from '../terminal/cli-error.js';
import { codeFrame, placeAt } from '../terminal/code-frame.js';
import { dynamicError, hasDynamic } from './dynamic-imports.js';

/** What to make. */
export interface RollUpOptions {
  /** The plugin's folder. Paths in the source map are relative to its `dist/plugin`. */
  readonly folder: string;
  readonly entry: string;
  /** Name of the file that is made. */
  readonly name: string;
  readonly minify: boolean;
  /** Runtimes that the plugin claims, for the message about a module of one runtime. */
  readonly runtimes: readonly string[];
}

/** One module, and what it was made of. */
export interface RolledUp {
  readonly code: string;
  readonly map: string;
  /** Every file that went into it. */
  readonly inputs: readonly string[];
}

/** An import that can't be bundled, with the files that lead to it. */
interface Outside {
  readonly specifier: string;
  readonly chain: readonly string[];
}

/**
 * Bundles.
 *
 * @throws CliError `bundle/syntax`, `bundle/runtime-import`, `bundle/unresolved-import`,
 * `bundle/dynamic-import` or `bundle/failed`, with the place.
 */
export async function rollUp(options: RollUpOptions): Promise<RolledUp> {
  const { folder, entry, name, minify } = options;
  const outside: Outside[] = [];
  const bundle = await rolldown({
    input: { [name.replace(/\.js$/, '')]: entry },
    cwd: folder,
    platform: 'neutral',
    logLevel: 'silent',
    resolve: {
      mainFields: ['module', 'main'],
      extensionAlias: { '.js': ['.ts', '.tsx', '.js'], '.mjs': ['.mts', '.mjs'] },
    },
    plugins: [findOutside(outside)],
  });
  try {
    const { output } = await bundle.generate({
      format: 'es',
      dir: join(folder, 'dist/plugin'),
      entryFileNames: name,
      sourcemap: true,
      sourcemapPathTransform: withoutPlace,
      minify,
      codeSplitting: false,
    });
    const [first] = outside;
    if (first !== undefined) throw await importError(first, options);
    const [chunk] = output;
    if (hasDynamic(name, chunk.code))
      throw await dynamicError(chunk.moduleIds, (file) => shown(folder, file));
    return {
      code: chunk.code,
      map: chunk.map?.toString() ?? '',
      inputs: (await bundle.watchFiles) ?? [],
    };
  } catch (error) {
    throw error instanceof CliError ? error : await buildError(error, folder);
  } finally {
    await bundle.close();
  }
}

/** Packages have the same path wherever npm has put them, so that bundles have the same bytes. */
function withoutPlace(path: string): string {
  const at = path.lastIndexOf('node_modules/');
  return at === -1 ? path : `../../${path.slice(at)}`;
}

/** Finds imports that stay in the bundle, and how the entry leads to each. */
function findOutside(found: Outside[]): Plugin {
  return {
    name: 'plinth-outside',
    generateBundle(_, output) {
      const importsOf = (id: string) => {
        const info = this.getModuleInfo(id);
        return [...(info?.importedIds ?? []), ...(info?.dynamicallyImportedIds ?? [])];
      };
      for (const chunk of Object.values(output)) {
        if (chunk.type !== 'chunk') continue;
        for (const specifier of new Set([...chunk.imports, ...chunk.dynamicImports]))
          found.push({
            specifier,
            chain: chainTo(specifier, chunk.facadeModuleId ?? '', importsOf),
          });
      }
    },
  };
}

/** The shortest way from the entry to a module, without the module. */
function chainTo(
  target: string,
  entry: string,
  importsOf: (id: string) => readonly string[],
): readonly string[] {
  const seen = new Set([entry]);
  const ways: (readonly string[])[] = [[entry]];
  for (const way of ways)
    for (const next of importsOf(way.at(-1) as string)) {
      if (next === target) return way;
      if (seen.has(next)) continue;
      seen.add(next);
      ways.push([...way, next]);
    }
  return [entry];
}

async function importError(
  { specifier, chain }: Outside,
  options: RollUpOptions,
): Promise<CliError> {
  const { folder, runtimes } = options;
  const file = chain.at(-1) as string;
  const text = await readFile(file, 'utf8').catch(() => '');
  const offset = [`'${specifier}'`, `"${specifier}"`, specifier]
    .map((words) => text.indexOf(words))
    .find((at) => at !== -1);
  const place = placeAt(text, offset ?? 0);
  const way = [...chain.map((one) => shown(folder, one)), specifier].join(' → ');
  const at = `${shown(folder, file)}:${place.line}:${place.column}`;
  const more = {
    ...(offset !== undefined && { frame: codeFrame(text, place) }),
    details: {
      imports: specifier,
      chain: [...chain.map((one) => shown(folder, one)), specifier],
      file: shown(folder, file),
      ...place,
    },
  };
  if (!isBuiltin(specifier) && !/^(?:bun|deno):/.test(specifier))
    return new CliError('bundle/unresolved-import', `${at} cannot find '${specifier}' (${way})`, {
      ...more,
      cure: UNRESOLVED,
    });
  const claim = runtimes.includes('browser') ? ', and the plugin claims to run in browsers' : '';
  return new CliError(
    'bundle/runtime-import',
    `${at} imports '${specifier}', a module of one runtime${claim} (${way})`,
    {
      ...more,
      cure: 'Use ctx.fs, ctx.fetch, ctx.env or ctx.storage: a plugin reaches its runtime through ctx alone.',
    },
  );
}

interface BuildProblem {
  readonly message: string;
  readonly code?: string;
  readonly id?: string;
  readonly loc?: { readonly file?: string; readonly line: number; readonly column: number };
}

const UNRESOLVED =
  'Install the package, or correct the path. A plugin is one file that imports nothing.';

/** Problems of the bundler by its code: ours, and the cure. */
const KINDS: Readonly<Record<string, readonly [code: string, cure?: string]>> = {
  PARSE_ERROR: ['bundle/syntax'],
  UNRESOLVED_IMPORT: ['bundle/unresolved-import', UNRESOLVED],
  MISSING_EXPORT: ['bundle/failed', 'Correct the name, or export it from that module.'],
};
const FAILED = [
  'bundle/failed',
  'Correct what the bundler names: it makes no module of this.',
] as const;

/** The bundler's first problem, with its place. */
async function buildError(error: unknown, folder: string): Promise<CliError> {
  const [first] = (error as { readonly errors?: readonly BuildProblem[] }).errors ?? [];
  const words = stripVTControlCharacters(first?.message ?? String(error));
  const said = (words.split('\n')[0] ?? words).replace(/^\[[A-Z_]+\]\s*/, '');
  const message = said.replace(/^Could not resolve ('.*') in .*$/, 'cannot find $1');
  const [code, cure] = KINDS[first?.code ?? ''] ?? FAILED;
  const file = first?.loc?.file ?? first?.id;
  if (first?.loc === undefined || file === undefined)
    return new CliError(code, message, { cause: error, ...(cure && { cure }) });
  const place = { line: first.loc.line, column: first.loc.column + 1 };
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return new CliError(code, `${shown(folder, file)}:${place.line}:${place.column} ${message}`, {
    cause: error,
    ...(cure && { cure }),
    ...(text !== undefined && { frame: codeFrame(text, place) }),
    details: { file: shown(folder, file), ...place },
  });
}

/** A file as messages name it: relative to the plugin, with slashes. */
function shown(folder: string, file: string): string {
  const path = relative(folder, file).split(sep).join('/');
  return path === '' || path.startsWith('../../../') ? file : path;
}
