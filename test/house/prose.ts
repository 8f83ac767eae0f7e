/** Reads what files say to people: comments of sources, text of pages without its code. */
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { parseSync } from 'rolldown/utils';
import { root } from './imports.ts';

const SKIPPED: ReadonlySet<string> = new Set(['node_modules', 'dist', 'generated']);
const READERS: Readonly<Record<string, (text: string, file: string) => readonly string[]>> = {
  '.ts': commentsOf,
  '.js': commentsOf,
  '.css': (text) => text.match(/\/\*[\s\S]*?\*\//g) ?? [],
  '.html': (text) => text.match(/<!--[\s\S]*?-->/g) ?? [],
  '.md': (text) => [text.replaceAll(/^( *)```[\s\S]*?^\1```/gm, '')],
};

/** Every file with prose in a folder of the repository, by its path from the root. */
export function filesWithProse(folder: string): readonly string[] {
  return filesUnder(folder).filter((path) => extname(path) in READERS);
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

/** The prose of a file in one line, so that a phrase is found across lines. */
export function proseOf(file: string): string {
  const read = READERS[extname(file)] as (typeof READERS)[string];
  return read(readFileSync(join(root, file), 'utf8'), file)
    .join('\n')
    .replaceAll(/\n[\s*/]*/g, ' ');
}

function commentsOf(text: string, file: string): readonly string[] {
  return parseSync(file, text).comments.map(({ value }) => value);
}
