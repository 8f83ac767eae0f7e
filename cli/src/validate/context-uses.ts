/**
 * Finds what a source file does with the plugin's context, as far as it can be seen: members of
 * `ctx`, and names that were taken from it. What is handed on under another name is not seen.
 */
import { bare, isNode, keyName, type Node, nameOf, type SourceFile, walk } from './parse-source.js';

/** One call of a member of the context: `storage.set`, with its arguments. */
export interface ContextCall {
  /** Like `storage.set`, `fetch` or `needs.search.query`. */
  readonly member: string;
  readonly arguments: readonly Node[];
  readonly node: Node;
}

/** Names that a context goes by, and names of its parts with their paths. */
interface Names {
  readonly contexts: ReadonlySet<string>;
  readonly parts: ReadonlyMap<string, string>;
}

/** Every call that is made through the context. */
export function contextCalls(source: SourceFile): readonly ContextCall[] {
  const names = namesIn(source.tree);
  const calls: ContextCall[] = [];
  walk(source.tree, (node) => {
    if (node.type !== 'CallExpression') return;
    const member = pathOf(node.callee, names);
    if (member !== undefined && member !== '')
      calls.push({ member, arguments: node.arguments as readonly Node[], node });
  });
  return calls;
}

/** Parts of the context that are handed on, like `storage`: their uses elsewhere are not seen. */
export function handedOn(source: SourceFile): ReadonlySet<string> {
  const names = namesIn(source.tree);
  const found = new Set<string>();
  walk(source.tree, (node, parent, key) => {
    const uses = key === 'object' || key === 'callee' || parent?.type === 'VariableDeclarator';
    const path = uses ? undefined : pathOf(node, names);
    const isName = node.type === 'Identifier' && key !== 'arguments';
    if (path !== undefined && path !== '' && !isName) found.add(path);
  });
  return found;
}

/** The path of an expression below the context; undefined for anything else. */
function pathOf(expression: unknown, names: Names): string | undefined {
  const node = bare(expression);
  const name = nameOf(node);
  if (name !== undefined) return names.contexts.has(name) ? '' : names.parts.get(name);
  if (!isNode(node) || node.type !== 'MemberExpression') return undefined;
  const parent = pathOf(node.object, names);
  const key = keyName(node.property, node.computed);
  if (parent === undefined || key === undefined) return undefined;
  return parent === '' ? key : `${parent}.${key}`;
}

/** The parameter of `activate`, everything named `ctx` or `context`, and what is taken from them. */
function namesIn(tree: Node): Names {
  const contexts = new Set<string>(['ctx', 'context']);
  const parts = new Map<string, string>();
  const patterns: { readonly pattern: Node; readonly of: unknown }[] = [];
  walk(tree, (node) => {
    if (isActivate(node)) {
      const [first] = (node.value as { readonly params: readonly Node[] }).params;
      const name = nameOf(first);
      if (name !== undefined) contexts.add(name);
      if (first?.type === 'ObjectPattern') patterns.push({ pattern: first, of: undefined });
    }
    if (node.type === 'VariableDeclarator' && isNode(node.id))
      patterns.push({ pattern: node.id, of: node.init });
  });
  // In the order of the text, so that a part of a part is known by then.
  for (const { pattern, of } of patterns) {
    const path = of === undefined ? '' : pathOf(of, { contexts, parts });
    if (path === undefined) continue;
    const name = nameOf(pattern);
    if (name !== undefined && path !== '') parts.set(name, path);
    if (pattern.type === 'ObjectPattern') take(pattern, path, parts);
  }
  return { contexts, parts };
}

function isActivate(node: Node): boolean {
  return (
    (node.type === 'Property' || node.type === 'MethodDefinition') &&
    keyName(node.key, node.computed) === 'activate' &&
    isNode(node.value) &&
    Array.isArray(node.value.params)
  );
}

/** Adds the names of a pattern: `{ storage, events: bus, needs: { search } }`. */
function take(pattern: Node, path: string, parts: Map<string, string>): void {
  for (const property of pattern.properties as readonly Node[]) {
    const key = keyName(property.key, property.computed);
    if (key === undefined || !isNode(property.value)) continue;
    const at = path === '' ? key : `${path}.${key}`;
    const name = nameOf(property.value);
    if (name !== undefined) parts.set(name, at);
    else if (property.value.type === 'ObjectPattern') take(property.value, at, parts);
  }
}
