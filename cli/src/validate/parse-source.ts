/** Parses source files, and walks their trees. */
import { parseSync } from 'rolldown/utils';
import { type Place, placeAt } from '../terminal/code-frame.js';

/** A node of a syntax tree (ESTree, with types of TypeScript). */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

/** A file that parses. */
export interface SourceFile {
  /** Path relative to the plugin, with slashes. */
  readonly file: string;
  readonly text: string;
  readonly tree: Node;
  placeOf(node: Node): Place;
}

/** Parses a file. Undefined when it doesn't parse: the bundler says why. */
export function parseSource(file: string, text: string): SourceFile | undefined {
  const { program, errors } = parseSync(file, text);
  if (errors.length > 0) return undefined;
  return {
    file,
    text,
    tree: program as unknown as Node,
    placeOf: ({ start }) => placeAt(text, start),
  };
}

/** Whether a value of a tree is a node. */
export function isNode(value: unknown): value is Node {
  return value !== null && typeof value === 'object' && typeof (value as Node).type === 'string';
}

/** A node below another, and the key that it is under. */
export interface Child {
  readonly node: Node;
  readonly key: string;
}

/** The nodes directly below a node. Types of TypeScript aren't among them: they don't run. */
export function* childrenOf(node: Node): Generator<Child> {
  for (const key of Object.keys(node)) {
    const value = node[key];
    for (const one of Array.isArray(value) ? value : [value])
      if (isNode(one) && !isType(one)) yield { node: one, key };
  }
}

const isType = ({ type }: Node) =>
  /^TS(Type|Interface|.*Keyword$|.*Type$)/.test(type) && type !== 'TSTypeAssertion';

/** Calls `visit` for a node and everything below it. What it returns false for is not entered. */
export function walk(
  node: Node,
  visit: (node: Node, parent: Node | undefined, key: string) => boolean | undefined | void,
  parent?: Node,
  key = '',
): void {
  if (visit(node, parent, key) === false) return;
  for (const child of childrenOf(node)) walk(child.node, visit, node, child.key);
}

/** The name of an identifier. */
export function nameOf(node: unknown): string | undefined {
  return isNode(node) && node.type === 'Identifier' ? (node.name as string) : undefined;
}

/** The text of a literal, or of a template without parts. */
export function textOf(node: unknown): string | undefined {
  if (!isNode(node)) return undefined;
  if (node.type === 'Literal') return typeof node.value === 'string' ? node.value : undefined;
  if (node.type !== 'TemplateLiteral') return undefined;
  const quasis = node.quasis as readonly { readonly value: { readonly cooked: string } }[];
  return quasis.length === 1 ? quasis[0]?.value.cooked : undefined;
}

/** The name of a property, if it is written out. */
export function keyName(key: unknown, computed: unknown): string | undefined {
  return computed === true ? textOf(key) : (nameOf(key) ?? textOf(key));
}

/** The inner expression: without parentheses, `!`, `as`, `satisfies`, `await` and `?.` chains. */
export function bare(node: unknown): unknown {
  if (!isNode(node)) return node;
  const wraps =
    /^(TS(NonNull|As|Satisfies)Expression|TSTypeAssertion|Parenthesized|ChainExpression|AwaitExpression)/;
  return wraps.test(node.type) ? bare(node.expression ?? node.argument) : node;
}
