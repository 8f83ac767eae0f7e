/**
 * What a name in the code is of the types of the SDK. It goes by the syntax tree alone: a name has
 * the type of its annotation, of its place in `activate`, or of the call that it was set to.
 */
import { syntaxTree } from '@codemirror/language';
import type { EditorState } from '@codemirror/state';
import type { SyntaxNode, Tree } from '@lezer/common';
import { type Member, memberAt, membersAt, type SdkTable, typeNameAt } from './sdk-table.ts';

/** Names that mean the same in every plugin of the documentation. */
const USUAL: Readonly<Record<string, string>> = { ctx: 'PluginContext', call: 'Call' };
/** How far it follows from one name to the next, and how many definitions of a name it reads. */
const MOST_STEPS = 4;
const MOST_DEFINITIONS = 8;
/** Characters of an expression that is read. */
const MOST_WRITTEN = 200;

/** What is known of the names in a tree. */
interface Names {
  readonly definitions: ReadonlyMap<string, readonly SyntaxNode[]>;
  /** The types that were found by a table, by name and steps: each is looked for once. */
  readonly types: WeakMap<SdkTable, Map<string, string | undefined>>;
}

const known = new WeakMap<Tree, Names>();

function namesIn(state: EditorState): Names {
  const tree = syntaxTree(state);
  const before = known.get(tree);
  if (before !== undefined) return before;
  const found = new Map<string, SyntaxNode[]>();
  tree.iterate({
    enter: ({ name: kind, from, to, node }) => {
      if (kind !== 'VariableDefinition') return;
      const name = state.sliceDoc(from, to);
      const nodes = found.get(name) ?? [];
      if (nodes.length < MOST_DEFINITIONS) nodes.push(node);
      found.set(name, nodes);
    },
  });
  const names = { definitions: found, types: new WeakMap() };
  known.set(tree, names);
  return names;
}

/** The type of a variable. Undefined when nothing is known of it. */
export function typeOf(
  state: EditorState,
  name: string,
  table: SdkTable,
  steps = MOST_STEPS,
): string | undefined {
  const { types, definitions } = namesIn(state);
  const found = types.get(table) ?? new Map<string, string | undefined>();
  types.set(table, found);
  const key = `${steps} ${name}`;
  if (!found.has(key)) {
    let type: string | undefined;
    for (const node of definitions.get(name) ?? []) {
      type = typeOfDefinition(state, node, table, steps);
      if (type !== undefined) break;
    }
    found.set(key, type ?? (Object.hasOwn(USUAL, name) ? USUAL[name] : undefined));
  }
  return found.get(key);
}

function typeOfDefinition(
  state: EditorState,
  node: SyntaxNode,
  table: SdkTable,
  steps: number,
): string | undefined {
  const text = ({ from, to }: SyntaxNode) =>
    state.sliceDoc(from, Math.min(to, from + MOST_WRITTEN));
  const { parent, nextSibling: next } = node;
  if (next?.name === 'TypeAnnotation') {
    const written = /^:\s*([\w$]+)/.exec(text(next))?.[1];
    return written !== undefined && Object.hasOwn(table.types, written) ? written : undefined;
  }
  if (parent?.name === 'ParamList') {
    const isFirst = parent.getChild('VariableDefinition')?.from === node.from;
    const owner = parent.parent?.name === 'Property' ? parent.parent : parent.parent?.parent;
    const property = owner?.name === 'Property' ? owner.getChild('PropertyDefinition') : null;
    return isFirst && property && text(property) === 'activate' ? 'PluginContext' : undefined;
  }
  if (parent?.name !== 'VariableDeclaration' || next?.name !== 'Equals' || steps === 0)
    return undefined;
  const value = next.nextSibling === null ? '' : text(next.nextSibling);
  return typeOfValue(state, value, table, steps - 1);
}

/** The type of what a variable is set to: a call, or a member. */
function typeOfValue(
  state: EditorState,
  value: string,
  table: SdkTable,
  steps: number,
): string | undefined {
  const [, written = '', call] =
    /^(?:await\s+)?([\w$]+(?:\.[\w$]+)*)\s*(?:(\()|$)/.exec(value) ?? [];
  const [root = '', ...path] = written.split('.');
  if (call === undefined)
    return path.length === 0
      ? undefined
      : typeNameAt(table, typeOf(state, root, table, steps), path);
  if (path.length === 0) return exportOf(table, root)?.of;
  const type = typeOf(state, root, table, steps);
  const member = type === undefined ? undefined : memberAt(table, type, path);
  return member?.kind === 'method' ? member.of : undefined;
}

/** What one of the modules exports under a name. */
export function exportOf({ modules }: SdkTable, name: string): Member | undefined {
  for (const members of Object.values(modules))
    for (const one of members) if (one.name === name) return one;
  return undefined;
}

/** A member that the code uses. */
export interface UsedMember {
  readonly from: number;
  readonly to: number;
  /** The name of the type that should have it, and what that type has. */
  readonly type: string;
  readonly members: readonly Member[];
  readonly name: string;
}

/** Each member of a type of the SDK that the code uses, whether or not it exists. */
export function usedMembers(state: EditorState, table: SdkTable): readonly UsedMember[] {
  const used: UsedMember[] = [];
  syntaxTree(state).iterate({
    enter: ({ name: kind, from, to, node }) => {
      if (kind !== 'MemberExpression' || to - from > MOST_WRITTEN) return;
      const member = usedMember(state, table, node);
      if (member !== undefined) used.push(member);
    },
  });
  return used;
}

/** The member that an expression uses. */
export function usedMember(
  state: EditorState,
  table: SdkTable,
  node: SyntaxNode,
): UsedMember | undefined {
  const property = node.getChild('PropertyName');
  if (property === null || node.to - node.from > MOST_WRITTEN) return undefined;
  const written = state.sliceDoc(node.from, node.to);
  if (!/^[\w$]+(\.[\w$]+)+$/.test(written)) return undefined;
  const [root = '', ...path] = written.split('.');
  const name = path.pop() as string;
  const type = typeNameAt(table, typeOf(state, root, table), path);
  const members = membersAt(table, type, []);
  if (type === undefined || members === undefined) return undefined;
  return { from: property.from, to: property.to, type, members, name };
}
