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

const MOST_LINES = 300;

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

  it(`have at most ${MOST_LINES} lines`, () => {
    const long = sources.flatMap((file) => {
      const lines = readFileSync(join(root, file), 'utf8').trimEnd().split('\n').length;
      return lines > MOST_LINES ? [`${file} has ${lines} lines`] : [];
    });
    expect(long).toEqual([]);
  });

  it(`have no function longer than ${MOST_LINES_OF_A_FUNCTION} lines`, () => {
    const functions = sources.flatMap((file) =>
      functionsOf(file).map(({ name, lines }) => ({ what: `${file} ${name}`, lines })),
    );
    expect(functions.length).toBeGreaterThan(sources.length);
    const long = functions.filter(({ lines }) => lines > MOST_LINES_OF_A_FUNCTION);
    expect(long).toEqual([]);
  });
});
