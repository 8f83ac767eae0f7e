/** The kernel in floors: a folder imports only from those below it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AnyFactory } from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { functionsOf } from './functions.ts';
import { importsOf, root, sourcesOf } from './imports.ts';

/** Folders and single files of `kernel/src`, from the ground up. */
const FLOORS: readonly string[] = [
  'concurrency',
  'lazily',
  'in-time',
  'contained',
  'stage',
  'absent-extension',
  'host-abilities',
  'registration',
  'option-checks',
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
  'lifecycle',
  'policy',
  'check-core-policy',
  'api',
  'extension',
  'kernel-options',
  'check-options',
  'tenant',
  'core-kernel',
  'bisect',
  'extensions',
  'check-policy',
  'preset-options',
  'check-kernel-options',
  'preset',
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
  /** What applications add themselves. */
  const outside = new Set(
    names.filter((name) =>
      readFileSync(join(root, folder, name, 'README.md'), 'utf8').includes('of no preset.'),
    ),
  );

  it.each(names)('%s says what it is, why it is there, and what it may break', (name) => {
    const text = readFileSync(join(root, folder, name, 'README.md'), 'utf8');
    for (const heading of ['Layer', 'Surface', 'Justification', 'Impact on stability', 'Cost'])
      expect(text, `${name} has no line '${heading}'`).toMatch(
        new RegExp(`^- \\*\\*${heading}\\*\\*: .+\\.$`, 'm'),
      );
    expect(text).toMatch(/\*\*Layer\*\*: L[1-4]\b/);
  });

  it('are loaded by no part of the core, only by presets', () => {
    const presets = ['kernel', 'check-policy', 'check-kernel-options'].map(
      (name) => `kernel/src/${name}.ts`,
    );
    const offenders = sourcesOf('kernel').flatMap((file) =>
      importsOf(file).flatMap(({ target, typeOnly }) =>
        target?.startsWith(`${folder}/`) &&
        !file.startsWith(`${folder}/`) &&
        !presets.includes(file) &&
        !typeOnly
          ? [`${file} imports ${target}`]
          : [],
      ),
    );
    expect(offenders).toEqual([]);
  });

  it.each(names)('%s has an entry point of its own, and a factory of its name', async (name) => {
    const module = (await import(`@plinth/kernel/${name}`)) as Readonly<Record<string, AnyFactory>>;
    const factory = Object.values(module).find(
      (one) => typeof one === 'function' && 'statics' in one,
    );
    expect(factory?.statics.name).toBe(name);
  });

  it('are what the presets of both hosts choose, in at most 60 lines', () => {
    for (const host of ['host-node', 'host-browser']) {
      const preset = readFileSync(join(root, host, 'src/preset.ts'), 'utf8');
      expect(preset.split('\n').length, host).toBeLessThanOrEqual(60);
      for (const name of names)
        expect(preset.includes(`'@plinth/kernel/${name}'`), `${host} ${name}`).toBe(
          !outside.has(name),
        );
    }
  });
});

describe('source files', () => {
  const sources = [
    'sdk',
    'sdk/testing',
    'kernel',
    'extensions/otel',
    'extensions/http',
    'extensions/ui',
    'extensions/jobs',
    'extensions/sql',
  ].flatMap(sourcesOf);

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

describe('the table of transitions', () => {
  it('is what the page of the lifecycle shows, row by row', async () => {
    const { TRANSITIONS } = await import('../../kernel/dist/lifecycle/transitions.js');
    const page = readFileSync(join(root, 'docs/lifecycle.md'), 'utf8');
    const shown = page.slice(page.indexOf('## The steps of a plugin'));
    const rows = [...shown.slice(0, shown.indexOf('\n## ', 1)).matchAll(/^\| ([a-z ]+) \|/gm)];
    expect(rows.map(([, name]) => name).slice(1)).toEqual(TRANSITIONS.map(({ name }) => name));
  });
});
