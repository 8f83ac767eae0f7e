/** Completes names of the SDK, and finds members that it doesn't have. */
import type { Completion, CompletionContext, CompletionResult } from '@codemirror/autocomplete';
import { completionPath } from '@codemirror/lang-javascript';
import { syntaxTree } from '@codemirror/language';
import type { EditorState } from '@codemirror/state';
import type { SyntaxNode } from '@lezer/common';
import { didYouMean } from '@plinth/sdk/contract';
import { exportOf, typeOf, usedMember, usedMembers } from './inference.ts';
import type { Problem } from './problem.ts';
import { type Member, membersAt, type SdkTable } from './sdk-table.ts';

const WORD = /^[\w$]*$/;
/** Characters of a signature beside a name. */
const MOST_DETAIL = 48;

/** What may stand at a place. */
export function completionsAt(
  table: SdkTable,
  context: CompletionContext,
): CompletionResult | null {
  const { state, pos } = context;
  const inner = syntaxTree(state).resolveInner(pos, -1);
  const special = inImport(state, inner, table) ?? inCall(state, inner, table);
  if (special !== undefined)
    return { from: wordStart(state, pos), options: special.map(option), validFor: WORD };
  const path = completionPath(context);
  const [root, ...rest] = path?.path ?? [];
  if (path === null || root === undefined) return null;
  const members = membersAt(table, typeOf(state, root, table), rest);
  if (members === undefined) return null;
  return { from: pos - path.name.length, options: members.map(option), validFor: WORD };
}

/** The member or export at a place, for a tooltip. */
export function memberAround(
  table: SdkTable,
  state: EditorState,
  pos: number,
): { readonly from: number; readonly to: number; readonly member: Member } | undefined {
  const { name, from, to, parent } = syntaxTree(state).resolveInner(pos, 1);
  const used =
    name === 'PropertyName' && parent !== null ? usedMember(state, table, parent) : undefined;
  const member =
    used?.members.find((one) => one.name === used.name) ??
    (name === 'VariableName' ? exportOf(table, state.sliceDoc(from, to)) : undefined);
  return member && { from, to, member };
}

/** Members that the code uses and the SDK doesn't have. */
export function unknownMembers(table: SdkTable, state: EditorState): readonly Problem[] {
  return usedMembers(state, table).flatMap(({ from, type, members, name }) => {
    const names = members.map((one) => one.name);
    if (names.includes(name) || name in Object.prototype || table.open.includes(type)) return [];
    const line = state.doc.lineAt(from);
    return [
      {
        file: 'plugin.ts' as const,
        severity: 'warning' as const,
        line: line.number,
        column: from - line.from + 1,
        message: `${type} has no '${name}'${didYouMean(name, names, [])}`,
      },
    ];
  });
}

/** The exports of the module, inside of the braces of an import. */
function inImport(
  state: EditorState,
  inner: SyntaxNode,
  { modules }: SdkTable,
): readonly Member[] | undefined {
  const group = closest(inner, 'ImportGroup');
  const source = group?.parent?.getChild('String');
  if (!source) return undefined;
  const name = state.sliceDoc(source.from + 1, source.to - 1);
  return Object.hasOwn(modules, name) ? modules[name] : undefined;
}

/**
 * Keys of the object that `definePlugin` takes, names of elements in `h('…')`, and the props of an
 * element in the object behind its name.
 */
function inCall(
  state: EditorState,
  inner: SyntaxNode,
  table: SdkTable,
): readonly Member[] | undefined {
  const text = (node: SyntaxNode | null | undefined) =>
    node ? state.sliceDoc(node.from, node.to) : '';
  const isKey = inner.name === 'PropertyDefinition';
  const argument =
    inner.name === 'String' || inner.name === 'ObjectExpression'
      ? inner
      : isKey || inner.name === '{'
        ? closest(inner, 'ObjectExpression')
        : undefined;
  const list = argument?.parent;
  if (!argument || list?.name !== 'ArgList') return undefined;
  const [first, second] = argumentsOf(list);
  const called = text(list.parent?.firstChild);
  if (called === 'definePlugin' && argument.name === 'ObjectExpression')
    return membersAt(table, 'Plugin', []);
  if (called !== 'h') return undefined;
  if (argument.name === 'String')
    return first?.from === argument.from ? membersAt(table, 'Elements', []) : undefined;
  return second?.from === argument.from && first?.name === 'String'
    ? membersAt(table, 'Elements', [text(first).slice(1, -1)])
    : undefined;
}

function argumentsOf(list: SyntaxNode): readonly SyntaxNode[] {
  const found: SyntaxNode[] = [];
  for (let node = list.firstChild; node !== null; node = node.nextSibling)
    if (/^\w/.test(node.name)) found.push(node);
  return found;
}

function closest(node: SyntaxNode, name: string): SyntaxNode | undefined {
  let at: SyntaxNode | null = node;
  while (at !== null && at.name !== name) at = at.parent;
  return at ?? undefined;
}

function wordStart(state: EditorState, pos: number): number {
  const line = state.doc.lineAt(pos);
  const before = line.text.slice(0, pos - line.from);
  return pos - (/[\w$]*$/.exec(before)?.[0].length ?? 0);
}

const option = ({ name, kind, type, doc }: Member): Completion => ({
  label: name,
  type: kind,
  detail: type.length > MOST_DETAIL ? `${type.slice(0, MOST_DETAIL)}…` : type,
  ...(doc !== undefined && { info: doc }),
});
