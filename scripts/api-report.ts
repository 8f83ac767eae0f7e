/**
 * `npm run api`: writes `api/<package>.api.md`, the public surface of each package, from its built types. A test compares
 * the reports with what is built, so that a change of the surface shows in the change that makes it.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readTypes, type TypesFile } from './types-file.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The folders of the packages that are published. */
export const API_PACKAGES = [
  'sdk',
  'kernel',
  'host-node',
  'host-browser',
  'extensions/otel',
  'extensions/http',
  'extensions/ui',
  'extensions/jobs',
  'extensions/sql',
  'cli',
] as const;

/** Imported by the kernel and the hosts alone: the report lists their names, not their declarations. */
const INTERNAL: ReadonlySet<string> = new Set([
  '@plinth/sdk/contract',
  '@plinth/sdk/rpc',
  '@plinth/sdk/codec',
  '@plinth/sdk/pack',
  '@plinth/sdk/sandbox',
  '@plinth/sdk/guest',
]);

interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, string | { readonly types?: string }>>;
}

/** Where an exported name is declared: in a file of this package, or in another package. */
type Place = Declared | { readonly package: string };

/** What one import specifier gives. */
interface Entry {
  readonly specifier: string;
  readonly names: ReadonlyMap<string, Place>;
  /** Packages whose exports are all exported again. */
  readonly whole: readonly string[];
}

/** Where the report of a package is kept. */
export function apiFile(name: string): string {
  return join(root, 'api', `${basename(name)}.api.md`);
}

/** The report of a built package, as text. */
export function apiReport(name: string): string {
  const manifest = JSON.parse(readFileSync(join(root, name, 'package.json'), 'utf8')) as Manifest;
  const files = new Map<string, TypesFile>();
  const entries = Object.entries(manifest.exports).flatMap(([path, target]) => {
    const types = typeof target === 'string' ? undefined : target.types;
    if (types === undefined || !/^\.\/(testing\/)?dist\/.*\.d\.ts$/.test(types)) return [];
    return [entryOf(manifest.name + path.slice(1), join(root, name, types), files)];
  });
  const head = `# API of ${manifest.name}

\`npm run api\` writes this page from the built types. A change in it is a change for users: does it need a changeset?
`;
  return [head, ...sections(entries, files)].join('\n');
}

/** The exports of an entry point, following each `export … from` inside of the package. */
function entryOf(specifier: string, file: string, files: Map<string, TypesFile>): Entry {
  const names = new Map<string, Place>();
  const whole: string[] = [];
  const visit = (path: string): void => {
    const types = open(path, files);
    for (const name of types.exports.keys())
      if (!names.has(name)) names.set(name, placeOf(path, name, files));
    for (const from of types.stars)
      if (from.startsWith('.')) visit(resolve(path, from));
      else whole.push(from);
  };
  visit(file);
  return { specifier, names, whole };
}

/** Where an exported name of a file is declared. */
function placeOf(path: string, name: string, files: Map<string, TypesFile>): Place {
  const types = open(path, files);
  const exported = types.exports.get(name);
  if (exported === undefined) {
    const star = types.stars
      .filter((from) => from.startsWith('.'))
      .map((from) => resolve(path, from))
      .find((target) => hasName(target, name, files));
    if (star === undefined) throw new Error(`${path} does not export ${name}`);
    return placeOf(star, name, files);
  }
  if (exported.from === undefined) return localPlace(path, exported.name, files);
  if (!exported.from.startsWith('.')) return { package: exported.from };
  return placeOf(resolve(path, exported.from), exported.name, files);
}

/** Where a name that a file uses is declared: in it, or where it is imported from. */
function localPlace(path: string, name: string, files: Map<string, TypesFile>): Place {
  const imported = open(path, files).imports.get(name);
  if (imported === undefined) return { file: path, name };
  if (!imported.from.startsWith('.')) return { package: imported.from };
  return placeOf(resolve(path, imported.from), imported.name, files);
}

function hasName(path: string, name: string, files: Map<string, TypesFile>): boolean {
  const types = open(path, files);
  return (
    types.exports.has(name) ||
    types.stars.some((from) => from.startsWith('.') && hasName(resolve(path, from), name, files))
  );
}

/** A section for each entry point, and one for what their declarations use without exporting it. */
function sections(entries: readonly Entry[], files: Map<string, TypesFile>): readonly string[] {
  const shown = new Map<string, string>();
  const parts = entries.map(({ specifier, names, whole }) => {
    const lines = whole.map((from) => `Everything of \`${from}\`.\n`);
    if (INTERNAL.has(specifier))
      lines.push('For the kernel and the hosts. It may change with each minor version.\n');
    const declared: Declared[] = [];
    const elsewhere: string[] = [];
    for (const [name, place] of byName(names)) {
      const first = 'file' in place ? shown.get(keyOf(place)) : place.package;
      if (first !== undefined) elsewhere.push(`- \`${name}\` of \`${first}\``);
      else if ('file' in place && INTERNAL.has(specifier)) elsewhere.push(`- \`${name}\``);
      else if ('file' in place) {
        shown.set(keyOf(place), specifier);
        declared.push(place);
      }
    }
    if (elsewhere.length > 0) lines.push(`${elsewhere.join('\n')}\n`);
    return { title: specifier, lines, declared };
  });
  const hidden = hiddenOf(
    parts.flatMap(({ declared }) => declared),
    new Set(shown.keys()),
    files,
  );
  const lines = ['Only an entry point for the kernel and the hosts exports these, or none.\n'];
  const title = 'What the declarations above name';
  const all = hidden.length > 0 ? [...parts, { title, lines, declared: hidden }] : parts;
  const codes = formatted(all.map(({ declared }) => codeOf(declared, files)));
  return all.map(({ title, lines: above }, index) => {
    const code = codes[index];
    return [`## ${title}\n`, ...above, ...(code ? [`\`\`\`ts\n${code}\n\`\`\`\n`] : [])].join('\n');
  });
}

/** A declaration of this package. */
interface Declared {
  readonly file: string;
  readonly name: string;
}

/** Declarations of this package that the given ones name, and that no entry point exports. */
function hiddenOf(
  declared: readonly Declared[],
  shown: ReadonlySet<string>,
  files: Map<string, TypesFile>,
): readonly Declared[] {
  const found = new Map<string, Declared>();
  for (const { file, name } of declared) {
    const { declarations, imports } = open(file, files);
    for (const text of declarations.get(name) ?? [])
      for (const [word] of text.matchAll(/(?<![.\w$'"])[A-Za-z_$][\w$]*/g)) {
        if (!declarations.has(word) && !imports.has(word)) continue;
        const place = localPlace(file, word, files);
        if ('file' in place && !shown.has(keyOf(place))) found.set(keyOf(place), place);
      }
  }
  return [...found.values()].sort((one, other) => compare(one.name, other.name));
}

function codeOf(declared: readonly Declared[], files: Map<string, TypesFile>): string {
  return declared
    .map(({ file, name }) => open(file, files).declarations.get(name)?.join('\n'))
    .join('\n\n');
}

/** Formats all sections with one run of the formatter. */
function formatted(codes: readonly string[]): readonly string[] {
  const mark = '\n\n// ---- next section ----\n\n';
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      join(root, 'node_modules/@biomejs/biome/bin/biome'),
      'format',
      '--line-width=100',
      '--stdin-file-path=api.d.ts',
    ],
    { cwd: root, encoding: 'utf8', input: codes.join(mark), maxBuffer: 1e8 },
  );
  if (status !== 0) throw new Error(`the declarations can't be formatted: ${stderr}`);
  return stdout.split(mark.trim()).map((code) => code.trim());
}

function open(path: string, files: Map<string, TypesFile>): TypesFile {
  const known = files.get(path) ?? readTypes(path, readFileSync(path, 'utf8'));
  files.set(path, known);
  return known;
}

function resolve(path: string, from: string): string {
  const target = join(dirname(path), from.replace(/\.js$/, '.d.ts'));
  if (!existsSync(target)) throw new Error(`${path} imports ${from}, which is not built`);
  return target;
}

const keyOf = ({ file, name }: { readonly file: string; readonly name: string }) =>
  `${file}#${name}`;
const compare = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0);
const byName = <T>(names: ReadonlyMap<string, T>) =>
  [...names].sort(([one], [other]) => compare(one, other));

if (import.meta.main) {
  mkdirSync(join(root, 'api'), { recursive: true });
  for (const name of API_PACKAGES) writeFileSync(apiFile(name), apiReport(name));
}
