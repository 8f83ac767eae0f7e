/** A problem of a draft, at its place. */
export interface Problem {
  readonly file: 'plugin.ts' | 'plugin.json';
  /** From 1. Undefined: of the file as a whole. */
  readonly line?: number | undefined;
  /** From 1. Undefined: of the whole line. */
  readonly column?: number | undefined;
  readonly severity: 'error' | 'warning';
  readonly message: string;
}

/** What keeps a draft from running. */
export class Problems extends Error {
  readonly list: readonly Problem[];

  constructor(list: readonly Problem[]) {
    super(list.map(({ message }) => message).join('; '));
    this.list = list;
  }
}

/** How many errors of a chain of causes are looked at. */
const MOST_CAUSES = 8;
const PLACE = /\bplugin\.ts:(\d{1,7}):\d{1,7}/;

/** The line of the source where an error, or one of its causes, began. */
export function lineOf(error: unknown): number | undefined {
  let line: number | undefined;
  let at = error;
  // The innermost cause is what was thrown; those around it tell of it.
  for (let depth = 0; depth < MOST_CAUSES && at instanceof Error; depth++) {
    line = lineIn(`${at.message}\n${at.stack ?? ''}`) ?? line;
    at = at.cause;
  }
  return line;
}

/** The first line of the source that a text names, as the kernel writes it into stacks. */
export function lineIn(text: string): number | undefined {
  const line = PLACE.exec(text)?.[1];
  return line === undefined ? undefined : Number(line);
}

/** The line of an offset, from 1. */
export const lineAt = (text: string, offset: number): number =>
  text.slice(0, offset).split('\n').length;
