/** Finds imports whose module is known only at run time. A worker of one file has no other files. */
import { readFile } from 'node:fs/promises';
import { CliError } from '../terminal/cli-error.js';
import { codeFrame, type Place } from '../terminal/code-frame.js';
import type { Finding } from '../validate/finding.js';
import { parseSource, type SourceFile, textOf, walk } from '../validate/parse-source.js';

const WHAT = 'imports a module whose name is known only when it runs';
const CURE = 'Import each module by its literal path, and choose among them: a plugin is one file.';

/** Whether such an import is left in a bundle. */
export const hasDynamic = (file: string, code: string): boolean =>
  placeIn(file, code) !== undefined;

/**
 * The error of the first module that has one.
 *
 * @param shown a file as messages name it.
 */
export async function dynamicError(
  modules: readonly string[],
  shown: (file: string) => string,
): Promise<CliError> {
  for (const file of modules) {
    const text = await readFile(file, 'utf8').catch(() => '');
    const place = placeIn(file, text);
    if (place === undefined) continue;
    return new CliError(
      'bundle/dynamic-import',
      `${shown(file)}:${place.line}:${place.column} ${WHAT}`,
      { cure: CURE, frame: codeFrame(text, place), details: { file: shown(file), ...place } },
    );
  }
  return new CliError('bundle/dynamic-import', `the bundle ${WHAT}`, { cure: CURE });
}

/** The place of the first such import. Those of literal names are bundled, or told by themselves. */
function placeIn(file: string, text: string): Place | undefined {
  const source = /\bimport\b/.test(text) ? parseSource(file, text) : undefined;
  return source && dynamicImport(source);
}

/** The place of the first such import of a file that parses. */
function dynamicImport({ tree, placeOf }: SourceFile): Place | undefined {
  let place: Place | undefined;
  walk(tree, (node) => {
    if (place !== undefined) return false;
    if (node.type === 'ImportExpression' && textOf(node.source) === undefined)
      place = placeOf(node);
    return undefined;
  });
  return place;
}

/** The finding about a bundle. */
export function checkImports(source: SourceFile): readonly Finding[] {
  const place = dynamicImport(source);
  if (place === undefined) return [];
  return [
    {
      rule: 'bundle/dynamic-import',
      severity: 'error',
      message: WHAT,
      file: source.file,
      place,
      cure: CURE,
    },
  ];
}
