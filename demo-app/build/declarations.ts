/** Reads `.d.ts` files, and finds what their names stand for. */
import { readFileSync } from 'node:fs';
import type { Declaration, Directive, Statement } from '@oxc-project/types';
import { parseSync } from 'rolldown/utils';

/** A declaration, in the file that has it. Overloads of a function are several. */
export interface Declared {
  readonly file: TypesFile;
  readonly name: string;
  readonly nodes: readonly Declaration[];
}

/** What a module exports: a value, or a type alone. */
export interface Exported {
  readonly name: string;
  readonly isType: boolean;
  readonly declared: Declared;
}

/** A name of another file. */
interface Elsewhere {
  readonly from: string;
  readonly name: string;
  readonly isType: boolean;
}

/** One file. */
export interface TypesFile {
  readonly path: string;
  readonly text: string;
  /** Comments of documentation, by the offset of what follows. */
  readonly docs: ReadonlyMap<number, string>;
  readonly own: ReadonlyMap<string, readonly Declaration[]>;
  readonly imports: ReadonlyMap<string, Elsewhere>;
  readonly exports: ReadonlyMap<string, Elsewhere>;
  /** Where `export *` points to. */
  readonly stars: readonly Pick<Elsewhere, 'from' | 'isType'>[];
}

/** Owns the files that were read. */
export class Declarations {
  readonly #files = new Map<string, TypesFile>();
  readonly #packages: Readonly<Record<string, string>>;

  /** @param packages the first file of each package, by its name. */
  constructor(packages: Readonly<Record<string, string>>) {
    this.#packages = packages;
  }

  /** What a package exports, by name. */
  exportsOf(name: string): readonly Exported[] {
    const path = this.#packages[name];
    if (path === undefined) throw new Error(`there is no package '${name}'`);
    return this.#exportsOf(this.#read(path));
  }

  /** What a name of a file stands for. Undefined for a name of the language. */
  find(file: TypesFile, name: string): Declared | undefined {
    const nodes = file.own.get(name);
    if (nodes !== undefined) return { file, name, nodes };
    const other = file.imports.get(name);
    return other && this.#exported(file, other);
  }

  #exported(file: TypesFile, { from, name }: Elsewhere): Declared | undefined {
    const path = this.#pathOf(file, from);
    if (path === undefined) return undefined;
    const source = this.#read(path);
    const again = source.exports.get(name);
    if (again !== undefined && again.from !== '') return this.#exported(source, again);
    const own = this.find(source, again?.name ?? name);
    if (own !== undefined) return own;
    for (const star of source.stars) {
      const found = this.#exported(source, { ...star, name });
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #exportsOf(file: TypesFile): readonly Exported[] {
    const named = [...file.exports].flatMap(([name, other]) => {
      const declared =
        other.from === '' ? this.find(file, other.name) : this.#exported(file, other);
      return declared === undefined ? [] : [{ name, isType: other.isType, declared }];
    });
    const starred = file.stars.flatMap(({ from, isType }) => {
      const path = this.#pathOf(file, from);
      if (path === undefined) return [];
      return this.#exportsOf(this.#read(path)).map((one) => ({
        ...one,
        isType: one.isType || isType,
      }));
    });
    return [...named, ...starred];
  }

  #pathOf(file: TypesFile, from: string): string | undefined {
    if (!from.startsWith('.')) return this.#packages[from];
    return new URL(from.replace(/\.js$/, '.d.ts'), file.path).href;
  }

  #read(path: string): TypesFile {
    const known = this.#files.get(path);
    if (known !== undefined) return known;
    const made = fileOf(path, readFileSync(new URL(path), 'utf8'));
    this.#files.set(path, made);
    return made;
  }
}

function fileOf(path: string, text: string): TypesFile {
  const { program, comments, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message}`);
  const own = new Map<string, Declaration[]>();
  const imports = new Map<string, Elsewhere>();
  const exports = new Map<string, Elsewhere>();
  const stars: Pick<Elsewhere, 'from' | 'isType'>[] = [];
  for (const node of program.body) {
    const declaration = declarationIn(node);
    if (declaration !== undefined) {
      const name = nameOf(declaration);
      own.set(name, [...(own.get(name) ?? []), declaration]);
      if (node.type === 'ExportNamedDeclaration')
        exports.set(name, { from: '', name, isType: isType(declaration) });
    } else if (node.type === 'ExportNamedDeclaration')
      for (const one of node.specifiers)
        exports.set(textOf(one.exported), {
          from: node.source?.value ?? '',
          name: textOf(one.local),
          isType: node.exportKind === 'type' || one.exportKind === 'type',
        });
    else if (node.type === 'ExportAllDeclaration')
      stars.push({ from: node.source.value, isType: node.exportKind === 'type' });
    else if (node.type === 'ImportDeclaration')
      for (const one of node.specifiers)
        if (one.type === 'ImportSpecifier')
          imports.set(one.local.name, {
            from: node.source.value,
            name: textOf(one.imported),
            isType: true,
          });
  }
  return { path, text, docs: docsOf(text, comments), own, imports, exports, stars };
}

/** The declaration of a statement, exported or not. */
function declarationIn(node: Directive | Statement): Declaration | undefined {
  if (node.type === 'ExportNamedDeclaration') return node.declaration ?? undefined;
  return 'declare' in node ? (node as Declaration) : undefined;
}

function nameOf(node: Declaration): string {
  if (node.type === 'VariableDeclaration') {
    const id = node.declarations[0]?.id;
    return id?.type === 'Identifier' ? id.name : '';
  }
  return 'id' in node && node.id?.type === 'Identifier' ? node.id.name : '';
}

const isType = ({ type }: Declaration) =>
  type === 'TSInterfaceDeclaration' || type === 'TSTypeAliasDeclaration';

const textOf = (
  name: { readonly type: 'Identifier'; readonly name: string } | { readonly value: string },
): string => ('name' in name ? name.name : name.value);

interface Comment {
  readonly type: 'Block' | 'Line';
  readonly value: string;
  readonly end: number;
}

function docsOf(text: string, comments: readonly Comment[]): ReadonlyMap<number, string> {
  const docs = new Map<number, string>();
  for (const { type, value, end } of comments) {
    if (type !== 'Block' || !value.startsWith('*')) continue;
    const space = /^\s*/.exec(text.slice(end))?.[0].length ?? 0;
    docs.set(end + space, value);
  }
  return docs;
}
