/**
 * Checks what visitors of the repository rely on: versions agree, links work, lines have a readable
 * length.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { KERNEL_VERSION } from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { root } from './imports.ts';

interface Manifest {
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const PACKAGES = [
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
];
const DOCS = ['docs', 'docs/guide'];
const PROSE_WIDTH = 120;

const text = (path: string) => readFileSync(join(root, path), 'utf8');
const manifest = (path: string) => JSON.parse(text(join(path, 'package.json'))) as Manifest;
const markdown = (folder: string) =>
  readdirSync(join(root, folder))
    .filter((file) => file.endsWith('.md'))
    .map((file) => join(folder, file));
const pages = ['', '.changeset', '.github', ...PACKAGES].flatMap(markdown);

describe('versions', () => {
  it('the packages have one version, require each other in it, and the kernel reports it', () => {
    for (const name of PACKAGES) {
      const { version, dependencies, peerDependencies } = manifest(name);
      expect(version, name).toBe(KERNEL_VERSION);
      for (const [other, range] of Object.entries({ ...dependencies, ...peerDependencies }))
        if (other.startsWith('@plinth/')) expect(range, `${name} needs ${other}`).toBe(version);
    }
  });

  it('.nvmrc names the Node that npm scripts use', () => {
    expect(text('.nvmrc').trim()).toBe(manifest('.').devDependencies?.node);
  });
});

describe('pages', () => {
  it('link to files that exist', () => {
    const broken = [...pages, ...DOCS.flatMap(markdown)].flatMap((page) =>
      [...text(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)(#[^)\s]*)?\)/g)]
        .map((match) => match[1] as string)
        .filter((target) => !existsSync(join(root, dirname(page), target)))
        .map((target) => `${page} links to ${target}`),
    );
    expect(broken).toEqual([]);
  });

  it(`have prose of at most ${PROSE_WIDTH} columns`, () => {
    const long = [...pages, ...DOCS.flatMap(markdown)].flatMap((page) =>
      text(page)
        .replaceAll(/```[\s\S]*?```/g, (code) => code.replaceAll(/.+/g, ''))
        .split('\n')
        .flatMap((line, index) =>
          line.length > PROSE_WIDTH && !line.startsWith('|')
            ? [`${page}:${index + 1} has ${line.length} columns`]
            : [],
        ),
    );
    expect(long).toEqual([]);
  });
});
