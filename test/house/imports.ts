/** Reads which module imports which, type imports included. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** One import of a source file. */
export interface Import {
  /** Path from the root, with forward slashes. */
  readonly from: string;
  /** As it is written. */
  readonly specifier: string;
  /** Path from the root when it is relative. */
  readonly target?: string;
  /** Whether it imports types alone, of which nothing is left in the published code. */
  readonly typeOnly: boolean;
}

/** Every source file of a workspace. */
export function sourcesOf(workspace: string): readonly string[] {
  return readdirSync(join(root, workspace, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${workspace}/src/${name.replaceAll('\\', '/')}`);
}

/** Every import and re-export of a file. */
export function importsOf(file: string): readonly Import[] {
  const text = readFileSync(join(root, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '');
  const found = [
    ...text.matchAll(
      /(?:^|\n)\s*(?:import|export)\b[^'"\n;]*?(?:\{[^}]*\}[^'"\n;]*)?from\s+['"]([^'"]+)['"]/g,
    ),
    ...text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g),
    ...text.matchAll(/(?:^|\n)import\s+['"]([^'"]+)['"]/g),
  ];
  return found.map((match) => {
    const specifier = match[1] as string;
    const typeOnly = /^\s*(?:import|export) type\b/.test(match[0]);
    if (!specifier.startsWith('.')) return { from: file, specifier, typeOnly };
    const target = relative(root, resolve(root, dirname(file), specifier))
      .replaceAll('\\', '/')
      .replace(/\.js$/, '.ts');
    return { from: file, specifier, target, typeOnly };
  });
}
