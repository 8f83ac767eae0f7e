/** Reads a `.d.ts` file as tsc writes it: its declarations, its imports and its exports. Enough for `api-report.ts`. */

/** A name of another file. */
export interface Imported {
  readonly from: string;
  readonly name: string;
}

/** A name that a file exports; `from` is undefined when the file declares or imports it. */
export interface Exported {
  readonly from: string | undefined;
  readonly name: string;
}

/** What is known of one file. */
export interface TypesFile {
  /**
   * The statements that declare a name, without comments, `export` and private members. Overloads of a function are
   * several.
   */
  readonly declarations: ReadonlyMap<string, readonly string[]>;
  readonly imports: ReadonlyMap<string, Imported>;
  readonly exports: ReadonlyMap<string, Exported>;
  /** Where `export *` points to. */
  readonly stars: readonly string[];
}

const DECLARATION =
  /^(export )?(?:declare )?(?:abstract )?(?:const|function|class|interface|type|enum) ([\w$]+)/;
const LIST = /^(import|export) (?:type )?\{([\s\S]*)\}(?: from '([^']+)')?;$/;

/** @throws Error for a statement that it can't read. */
export function readTypes(path: string, source: string): TypesFile {
  const declarations = new Map<string, string[]>();
  const imports = new Map<string, Imported>();
  const exports = new Map<string, Exported>();
  const stars: string[] = [];
  for (const statement of statementsOf(withoutComments(source))) {
    const [, exported, name] = DECLARATION.exec(statement) ?? [];
    const [, kind, list, from] = LIST.exec(statement) ?? [];
    const star = /^export (?:type )?\* from '([^']+)';$/.exec(statement)?.[1];
    if (name !== undefined) {
      declarations.set(name, [...(declarations.get(name) ?? []), publicText(statement)]);
      if (exported) exports.set(name, { from: undefined, name });
    } else if (list !== undefined)
      for (const [local, alias] of namesOf(list))
        if (kind === 'export') exports.set(alias, { from, name: local });
        else if (from !== undefined) imports.set(alias, { from, name: local });
        else throw new Error(`${path}: ${statement}`);
    else if (star !== undefined) stars.push(star);
    else if (!/^import (\* as \w+ from )?'[^']+';$/.test(statement))
      throw new Error(`${path} has a statement that is not understood: ${statement}`);
  }
  return { declarations, imports, exports, stars };
}

/** Pairs of a name and the name that it gets. */
function namesOf(list: string): readonly (readonly [string, string])[] {
  return list
    .split(',')
    .map((item) => item.trim().replace(/^type /, ''))
    .filter((item) => item !== '')
    .map((item) => {
      const [name = '', alias = name] = item.split(' as ');
      return [name, alias];
    });
}

/** Without `export`, paths of inline imports, and what only the class itself can use. */
function publicText(statement: string): string {
  return statement
    .replace(/^export /, '')
    .replaceAll(/import\(["'][^"']*["']\)\./g, '')
    .replaceAll(/^\s+(#private|private [^;{]*);\n/gm, '')
    .replaceAll(/\n\s*\n/g, '\n');
}

/** Blanks comments out; texts and templates stay as they are. */
function withoutComments(source: string): string {
  return source.replaceAll(
    /('(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`)|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g,
    (_, text: string | undefined) => text ?? '',
  );
}

/** Splits a file at the ends of its statements: a semicolon, or the last brace of a body. */
function statementsOf(source: string): readonly string[] {
  const statements: string[] = [];
  let depth = 0;
  let from = 0;
  for (const { 0: mark, index } of source.matchAll(/'[^'\n]*'|"[^"\n]*"|`[^`]*`|[()[\]{};]/g)) {
    if ('([{'.includes(mark)) depth += 1;
    else if (')]}'.includes(mark)) depth -= 1;
    const body = /^\s*(export )?(declare )?(abstract )?(class|interface|enum) /;
    const ends =
      mark === ';' || (mark === '}' && /^\s*(\n|$)/.test(source.slice(index + 1, index + 3)));
    if (depth > 0 || !ends || (mark === '}' && !body.test(source.slice(from, index)))) continue;
    statements.push(source.slice(from, index + 1).trim());
    from = index + 1;
  }
  return statements.filter((statement) => statement !== ';' && statement !== 'export {};');
}
