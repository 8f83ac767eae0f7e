/** Makes the table of types that the editor completes and checks by, from the SDK's `.d.ts` files. */
import type { Declaration, Span, TSSignature, TSType, TSTypeReference } from '@oxc-project/types';
import type { Member, SdkTable } from '../playground/editor/sdk-table.ts';
import { Declarations, type Declared, type Exported, type TypesFile } from './declarations.ts';
import { moduleOf } from './module-of.ts';

/** Types whose argument is what their members are of. */
const WRAPPERS: ReadonlySet<string> = new Set(['Promise', 'Readonly', 'Partial', 'Required']);
/** Characters of a signature that are shown. */
const MOST_SIGNATURE = 600;

/** Reads the types of what plugins of the editor may import. */
export function sdkTable(): SdkTable {
  const names = ['@plinth/sdk', '@plinth/ui'];
  const packages = Object.fromEntries(
    names.map((name) => [name, moduleOf(name).replace(/\.js$/, '.d.ts')]),
  );
  const table = new Table(new Declarations(packages));
  for (const name of names) table.add(name);
  return table;
}

/** A member, and the file that it stands in. */
interface Signature {
  readonly one: TSSignature;
  readonly file: TypesFile;
}

/** A type of the table, and the file that it stands in. */
interface Placed {
  readonly type: TSType | Declared;
  readonly file: TypesFile;
}

/** Owns the table while it is made. */
class Table implements SdkTable {
  readonly types: Record<string, readonly Member[]> = {};
  readonly modules: Record<string, readonly Member[]> = {};
  readonly open: string[] = [];
  readonly #declarations: Declarations;
  readonly #declared = new Map<string, Declared>();

  constructor(declarations: Declarations) {
    this.#declarations = declarations;
  }

  add(name: string): void {
    this.modules[name] = this.#declarations
      .exportsOf(name)
      .map((one) => this.#export(one))
      .sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  #export({ name, isType, declared }: Exported): Member {
    const { nodes, file } = declared;
    const [first] = nodes as readonly [Declaration];
    if (isType) {
      this.#keyOfDeclared(declared);
      return { name, kind: 'type', type: '', ...this.#doc(file, nodes) };
    }
    if (first.type === 'ClassDeclaration')
      return { name, kind: 'class', type: '', ...this.#doc(file, nodes) };
    if (first.type === 'VariableDeclaration') {
      const type = first.declarations[0]?.id.typeAnnotation?.typeAnnotation;
      return { name, kind: 'constant', type: textIn(file, type), ...this.#doc(file, nodes) };
    }
    const functions = nodes as readonly (Declaration & { readonly id: Span })[];
    const result = 'returnType' in first ? first.returnType?.typeAnnotation : undefined;
    return {
      name,
      kind: 'function',
      type: functions.map(({ id, end }) => signature(file.text, id.end, end)).join('\n'),
      ...this.#doc(file, nodes),
      ...this.#of(result, file, name),
    };
  }

  /** The members of a type. */
  #members({ type, file }: Placed, key: string): readonly Member[] {
    const signatures: Signature[] = [];
    if (!this.#collect(type, file, signatures, new Set())) this.open.push(key);
    const members = new Map<string, Member>();
    for (const { one, file: place } of signatures) {
      const member = this.#member(one, place, key);
      if (member === undefined) continue;
      const before = members.get(member.name);
      members.set(
        member.name,
        before?.kind === 'method' && member.kind === 'method' && before.type !== member.type
          ? { ...before, type: `${before.type}\n${member.type}` }
          : (before ?? member),
      );
    }
    return [...members.values()];
  }

  /** Collects the members of a type. Answers false when there are some that are not known. */
  #collect(
    type: TSType | Declared,
    file: TypesFile,
    into: Signature[],
    seen: Set<unknown>,
  ): boolean {
    if (seen.has(type)) return true;
    seen.add(type);
    const all = (types: readonly TSType[]) =>
      types.map((one) => this.#collect(one, file, into, seen)).every(Boolean);
    if ('nodes' in type)
      return type.nodes
        .map((node) => this.#collectDeclaration(node, type.file, into, seen))
        .every(Boolean);
    switch (type.type) {
      case 'TSTypeLiteral':
        into.push(...type.members.map((one) => ({ one, file })));
        return true;
      case 'TSIntersectionType':
      case 'TSUnionType':
        return all(type.types);
      case 'TSParenthesizedType':
        return all([type.typeAnnotation]);
      case 'TSTypeReference':
        return this.#collectNamed(nameIn(type), type.typeArguments?.params[0], file, into, seen);
      case 'TSUndefinedKeyword':
        return true;
      default:
        return false;
    }
  }

  #collectNamed(
    name: string,
    argument: TSType | undefined,
    file: TypesFile,
    into: Signature[],
    seen: Set<unknown>,
  ): boolean {
    if (WRAPPERS.has(name) && argument !== undefined)
      return this.#collect(argument, file, into, seen);
    const declared = this.#declarations.find(file, name);
    return declared !== undefined && this.#collect(declared, declared.file, into, seen);
  }

  #collectDeclaration(
    node: Declaration,
    file: TypesFile,
    into: Signature[],
    seen: Set<unknown>,
  ): boolean {
    if (node.type === 'TSTypeAliasDeclaration')
      return this.#collect(node.typeAnnotation, file, into, seen);
    if (node.type !== 'TSInterfaceDeclaration') return false;
    into.push(...node.body.body.map((one) => ({ one, file })));
    return node.extends
      .map(({ expression, typeArguments }) => {
        const name = expression.type === 'Identifier' ? expression.name : '';
        return this.#collectNamed(name, typeArguments?.params[0], file, into, seen);
      })
      .every(Boolean);
  }

  #member(node: TSSignature, file: TypesFile, parent: string): Member | undefined {
    if (node.type !== 'TSPropertySignature' && node.type !== 'TSMethodSignature') return undefined;
    if (node.computed || node.key.type !== 'Identifier') return undefined;
    const { name } = node.key;
    const isMethod = node.type === 'TSMethodSignature';
    const type = (isMethod ? node.returnType : node.typeAnnotation)?.typeAnnotation;
    return {
      name,
      kind: isMethod ? 'method' : 'property',
      type: isMethod ? signature(file.text, node.key.end, node.end) : textIn(file, type),
      ...docOf(file.docs.get(node.start)),
      ...this.#of(type, file, `${parent}.${name}`),
    };
  }

  #of(type: TSType | undefined, file: TypesFile, key: string): { readonly of?: string } {
    const of = type === undefined ? undefined : this.#keyOf(type, file, key);
    return of === undefined ? {} : { of };
  }

  /** The name of a type in the table, which has it then. Undefined for one without members. */
  #keyOf(type: TSType, file: TypesFile, key: string): string | undefined {
    if (type.type === 'TSTypeReference') {
      const inner = unwrapped(type);
      if (inner !== undefined) return this.#keyOf(inner, file, key);
      const declared = this.#declarations.find(file, nameIn(type));
      return declared && this.#keyOfDeclared(declared);
    }
    const members = this.#members({ type, file }, key);
    if (members.length === 0) return undefined;
    this.types[key] = members;
    return key;
  }

  #keyOfDeclared(declared: Declared): string | undefined {
    const key = this.#freeKey(declared);
    if (!this.#declared.has(key)) {
      // Before its members, which may have the same type.
      this.#declared.set(key, declared);
      this.types[key] = this.#members({ type: declared, file: declared.file }, key);
    }
    return this.types[key]?.length === 0 ? undefined : key;
  }

  /** A type has its own name, unless one of another file has it. */
  #freeKey({ name, file }: Declared): string {
    let key = name;
    for (let number = 2; ; number++) {
      const known = this.#declared.get(key);
      if (known === undefined || known.file === file) return key;
      key = `${name} ${number}`;
    }
  }

  #doc(file: TypesFile, nodes: readonly Declaration[]): { readonly doc?: string } {
    for (const { start } of nodes) {
      // What is exported has its comment in front of `export`.
      const before = file.text.lastIndexOf('export', start);
      const doc = docOf(file.docs.get(start) ?? file.docs.get(before));
      if (doc.doc !== undefined) return doc;
    }
    return {};
  }
}

/** The argument of a type that only wraps it. */
function unwrapped(type: TSTypeReference): TSType | undefined {
  return WRAPPERS.has(nameIn(type)) ? type.typeArguments?.params[0] : undefined;
}

const nameIn = ({ typeName }: TSTypeReference): string =>
  typeName.type === 'Identifier' ? typeName.name : '';

const textIn = ({ text }: TypesFile, node: Span | null | undefined): string =>
  node === null || node === undefined ? '' : signature(text, node.start, node.end);

function signature(text: string, start: number, end: number): string {
  const whole = text
    .slice(start, end)
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/\s+/g, ' ')
    .replace(/;$/, '')
    .trim();
  return whole.length > MOST_SIGNATURE ? `${whole.slice(0, MOST_SIGNATURE)}…` : whole;
}

/** The first sentence of a comment. */
function docOf(comment: string | undefined): { readonly doc?: string } {
  if (comment === undefined) return {};
  const text = comment
    .replaceAll(/^\s*\*+ ?/gm, '')
    .split(/^@/m, 1)[0]
    ?.replaceAll(/\{@link ([^}]+)\}/g, '$1')
    .replaceAll(/\s+/g, ' ')
    .trim();
  const sentence = /^.*?[.](?= [A-Z]|$)/.exec(text ?? '')?.[0] ?? text;
  return sentence === undefined || sentence === '' ? {} : { doc: sentence };
}
