/** The kernel in floors: a folder imports only from those below it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { functionsOf } from './functions.ts';
import { importsOf, root, sourcesOf } from './imports.ts';

/** Folders and single files of `kernel/src`, from the ground up. */
const FLOORS: readonly string[] = [
  'concurrency',
  'lazily',
  'in-time',
  'stage',
  'host-abilities',
  'registration',
  'limits',
  'schema',
  'host',
  'telemetry',
  'kernel-events',
  'reporting',
  'storage',
  'sources',
  'config',
  'permissions',
  'events',
  'calls',
  'middleware',
  'commands',
  'guests',
  'plugin',
  'registry',
  'extension',
  'lifecycle',
  'extensions',
  'policy',
  'check-policy',
  'api',
  'kernel-options',
  'tenant',
  'kernel',
  'index',
];

/** Lines of the files that are longer than a file should be. */
const LONG: Readonly<Record<string, number>> = {};

const MOST_LINES = 300;

/** Lines of the functions that are longer than a function should be. */
const LONG_FUNCTIONS: Readonly<Record<string, number>> = {
  'kernel/src/api/host-commands.ts createHostCommands': 101,
  'kernel/src/permissions/requests.ts #decide': 70,
  'sdk/src/rpc/codec-reader.ts value': 66,
  'sdk/src/rpc/link.ts #take': 61,
};

const MOST_LINES_OF_A_FUNCTION = 60;

const unitOf = (file: string): string => {
  const path = file.slice('kernel/src/'.length);
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : path.replace(/\.ts$/, '');
};

describe('floors of the kernel', () => {
  it('are known for every folder', () => {
    const units = [...new Set(sourcesOf('kernel').map(unitOf))].sort();
    expect(units).toEqual([...FLOORS].sort());
  });

  it('have no arrow that leads up', () => {
    const ups = sourcesOf('kernel').flatMap((file) =>
      importsOf(file).flatMap(({ target }) => {
        if (target === undefined) return [];
        const [from, to] = [FLOORS.indexOf(unitOf(file)), FLOORS.indexOf(unitOf(target))];
        return from < to ? [`${file} imports ${target}`] : [];
      }),
    );
    expect(ups).toEqual([]);
  });
});

describe('built-in extensions', () => {
  const folder = 'kernel/src/extensions';
  const names = readdirSync(join(root, folder));

  it.each(names)('%s says what it is, why it is there, and what it may break', (name) => {
    const text = readFileSync(join(root, folder, name, 'README.md'), 'utf8');
    for (const heading of ['Layer', 'Surface', 'Justification', 'Impact on stability', 'Cost'])
      expect(text, `${name} has no line '${heading}'`).toMatch(
        new RegExp(`^- \\*\\*${heading}\\*\\*: .+\\.$`, 'm'),
      );
    expect(text).toMatch(/\*\*Layer\*\*: L[1-4]\b/);
  });

  it('are imported by no part of the core, only where a kernel is put together', () => {
    const composing = /^kernel\/src\/(?:extensions|api|tenant)\/|^kernel\/src\/[a-z-]+\.ts$/;
    const offenders = sourcesOf('kernel').flatMap((file) =>
      importsOf(file).flatMap(({ target }) =>
        target?.startsWith(`${folder}/`) && !composing.test(file)
          ? [`${file} imports ${target}`]
          : [],
      ),
    );
    expect(offenders).toEqual([]);
  });
});

describe('source files', () => {
  const sources = [...sourcesOf('sdk'), ...sourcesOf('kernel')];

  it(`have at most ${MOST_LINES} lines, beside those that are listed`, () => {
    const found: Record<string, number> = {};
    for (const file of sources) {
      const lines = readFileSync(join(root, file), 'utf8').trimEnd().split('\n').length;
      if (lines > MOST_LINES) found[file] = lines;
    }
    expectOnly(found, LONG);
  });

  it(`have no function longer than ${MOST_LINES_OF_A_FUNCTION} lines, beside those that are listed`, () => {
    const found: Record<string, number> = {};
    let functions = 0;
    for (const file of sources)
      for (const { name, lines } of functionsOf(file)) {
        functions += 1;
        const key = `${file} ${name}`;
        if (lines > MOST_LINES_OF_A_FUNCTION) found[key] = Math.max(lines, found[key] ?? 0);
      }
    expect(functions).toBeGreaterThan(sources.length);
    expectOnly(found, LONG_FUNCTIONS);
  });
});

/** What is too long must be listed, and no longer than the list says. */
function expectOnly(
  found: Readonly<Record<string, number>>,
  listed: Readonly<Record<string, number>>,
): void {
  const grown = Object.entries(found)
    .filter(([what, lines]) => lines > (listed[what] ?? 0))
    .map(([what, lines]) => `${what} has ${lines} lines`);
  expect(grown).toEqual([]);
  // What has become short enough leaves the list.
  expect(Object.keys(listed).filter((what) => found[what] === undefined)).toEqual([]);
}
