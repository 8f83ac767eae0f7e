/** Finds the files that people write, and words in them. */
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { root } from './imports.ts';

const SKIPPED: ReadonlySet<string> = new Set(['node_modules', 'dist', 'generated']);
const HIDDEN = ['.changeset', '.github'];
const WRITTEN: ReadonlySet<string> = new Set(
  ['ts', 'mts', 'js', 'mjs', 'css', 'html', 'json', 'md', 'yml'].map((name) => `.${name}`),
);

/** Every file that people write, by its path from the root. Locked versions are not among them. */
export function textFiles(): readonly string[] {
  const entries = readdirSync(root, { withFileTypes: true });
  const folders = entries.filter(
    (entry) => entry.isDirectory() && !entry.name.startsWith('.') && !SKIPPED.has(entry.name),
  );
  return [
    ...entries.filter((entry) => entry.isFile()).map(({ name }) => name),
    ...[...folders.map(({ name }) => name), ...HIDDEN].flatMap(filesUnder),
  ].filter((path) => WRITTEN.has(extname(path)) && path !== 'package-lock.json');
}

/**
 * Every file in a folder of the repository, by its path from the root. Hidden folders are not
 * entered: other tests make some for a moment, which may vanish while they are read.
 */
export function filesUnder(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (!entry.isDirectory()) return [path];
    return entry.name.startsWith('.') || SKIPPED.has(entry.name) ? [] : filesUnder(path);
  });
}

/** Where a text has some words, one line each. A phrase may go on in the next line. */
export function placesOf(words: readonly string[], text: string): readonly string[] {
  const phrases = words.map((word) => word.replaceAll(' ', String.raw`\s[\s*/]*`));
  const pattern = new RegExp(String.raw`\b(?:${phrases.join('|')})\b`, 'gi');
  return [...text.matchAll(pattern)].map(
    ({ index, 0: found }) => `${text.slice(0, index).split('\n').length}: ${found}`,
  );
}

/** Where a file has some words, one line each. */
export function wordsIn(file: string, words: readonly string[]): readonly string[] {
  return placesOf(words, readFileSync(join(root, file), 'utf8')).map((place) => `${file}:${place}`);
}
