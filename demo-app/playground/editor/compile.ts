/**
 * From TypeScript to a bundle, in the page. Each line stays where it is, so that the place of an
 * error is its place in the source.
 */
import { type ImportDeclaration, type Program, parse } from 'acorn';
import { transform } from 'sucrase';
import { lineAt, type Problem, Problems } from './problem.ts';

/** The modules that a plugin may import, as texts. They are made when the page is built. */
export interface PluginModules {
  /**
   * By the name of a module: statements that define `plinthModules`, a record of modules by their
   * names. It has that module, and those that it imports itself.
   */
  readonly texts: Readonly<Record<string, string>>;
  /** What each module exports. */
  readonly names: Readonly<Record<string, readonly string[]>>;
}

/** The name of the function that gives modules to the code. */
const MODULE = '$plinthModule';
const MOST_PROBLEMS = 20;
/** Of a base64 map: the start of each line is the start of the same line of the source. */
const SAME_LINE = 'AAAA';
const NEXT_LINE = ';AACA';

/**
 * Compiles a plugin of one file.
 *
 * @throws Problems with the place of each.
 */
export function compile(source: string, modules: PluginModules): string {
  const code = withoutTypes(source);
  const program = parsed(code);
  const imports = program.body.filter((node) => node.type === 'ImportDeclaration');
  const used = new Set<string>();
  const problems: Problem[] = [];
  let text = '';
  let at = 0;
  for (const node of [...imports, ...reexports(program)]) {
    const problem = importProblem(node, modules);
    if (problem !== undefined) problems.push({ ...problem, line: lineAt(code, node.start) });
    if (problems.length === MOST_PROBLEMS) break;
  }
  if (problems.length > 0) throw new Problems(problems);
  for (const node of imports) {
    used.add(String(node.source.value));
    text += code.slice(at, node.start) + declarationOf(node, code);
    at = node.end;
  }
  return `${text}${code.slice(at)}\n${providing(used, modules)}${mapOf(code)}\n`;
}

interface Located {
  readonly loc?: { readonly line: number; readonly column: number };
}

function withoutTypes(source: string): string {
  try {
    return transform(source, { transforms: ['typescript'], disableESTransforms: true }).code;
  } catch (error) {
    const { loc } = error as Located;
    throw new Problems([{ ...syntax(error), line: loc?.line, column: loc?.column }]);
  }
}

/** Sucrase takes some of what no engine does, so what it has made is read again. */
function parsed(code: string): Program {
  try {
    return parse(code, { ecmaVersion: 'latest', sourceType: 'module' });
  } catch (error) {
    // Where the types were, columns have moved.
    throw new Problems([{ ...syntax(error), line: (error as Located).loc?.line }]);
  }
}

function syntax(error: unknown): Problem {
  const { message } = error as Error;
  return {
    file: 'plugin.ts',
    severity: 'error',
    // The place stands beside it.
    message: message.replace(/^Error transforming [^:]*: /, '').replace(/ \(\d+:\d+\)$/, ''),
  };
}

type From = Pick<ImportDeclaration, 'start' | 'source'> & {
  readonly specifiers?: ImportDeclaration['specifiers'];
};

/** What is exported from another module, which one file can't do. */
function reexports({ body }: Program): readonly From[] {
  return body.flatMap((node) =>
    node.type === 'ExportAllDeclaration' ||
    (node.type === 'ExportNamedDeclaration' && node.source !== null && node.source !== undefined)
      ? [{ start: node.start, source: node.source as ImportDeclaration['source'] }]
      : [],
  );
}

function importProblem(
  { source, specifiers }: From,
  { names }: PluginModules,
): Pick<Problem, 'file' | 'severity' | 'message'> | undefined {
  const at = { file: 'plugin.ts', severity: 'error' } as const;
  const module = String(source.value);
  const known = Object.hasOwn(names, module) ? names[module] : undefined;
  if (known === undefined)
    return {
      ...at,
      message: `'${module}' can't be imported here: there are ${Object.keys(names)
        .map((name) => `'${name}'`)
        .join(' and ')}`,
    };
  if (specifiers === undefined)
    return { ...at, message: 'a plugin exports itself, and nothing of other modules' };
  const missing = specifiers
    .map((one) =>
      one.type === 'ImportSpecifier'
        ? importedName(one)
        : one.type === 'ImportDefaultSpecifier'
          ? 'default'
          : undefined,
    )
    .find((name) => name !== undefined && !known.includes(name));
  return missing === undefined
    ? undefined
    : { ...at, message: `'${module}' exports no '${missing}' here` };
}

type Specifier = Extract<ImportDeclaration['specifiers'][number], { type: 'ImportSpecifier' }>;

const importedName = ({ imported }: Specifier): string =>
  imported.type === 'Identifier' ? imported.name : String(imported.value);

/** The same names from the function that gives modules, in as many lines. */
function declarationOf(node: ImportDeclaration, code: string): string {
  const from = `${MODULE}(${JSON.stringify(node.source.value)})`;
  const lines = code.slice(node.start, node.end).split('\n').length - 1;
  const named: string[] = [];
  const declared: string[] = [];
  for (const one of node.specifiers) {
    if (one.type === 'ImportNamespaceSpecifier') declared.push(`${one.local.name} = ${from}`);
    else {
      const imported = one.type === 'ImportSpecifier' ? importedName(one) : 'default';
      named.push(imported === one.local.name ? imported : `${imported}: ${one.local.name}`);
    }
  }
  if (named.length > 0) declared.push(`{ ${named.join(', ')} } = ${from}`);
  const declaration = declared.length === 0 ? '' : `const ${declared.join(', ')};`;
  return declaration + '\n'.repeat(lines);
}

/** The function that gives modules. It stands behind the code, whose lines it must not move. */
function providing(used: ReadonlySet<string>, { texts }: PluginModules): string {
  // Of the modules that are used, the text of one has the others.
  const text = [...used]
    .map((module) => texts[module] as string)
    .reduce((one, other) => (other.length > one.length ? other : one), '');
  return text === ''
    ? ''
    : `function ${MODULE}(name) { return (${MODULE}.all ??= (() => { ${text}\nreturn plinthModules; })())[name]; }\n`;
}

/** Places in the bundle are places in `plugin.ts`. */
function mapOf(code: string): string {
  const mappings = SAME_LINE + NEXT_LINE.repeat(code.split('\n').length - 1);
  const map = { version: 3, sources: ['plugin.ts'], names: [], mappings };
  return `//# sourceMappingURL=data:application/json;base64,${btoa(JSON.stringify(map))}`;
}
