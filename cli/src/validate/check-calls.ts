/**
 * Finds handlers that make calls without passing their own call on. Then the deadline, the
 * cancellation and the caller of the first call don't reach the next plugin in runtimes that carry
 * no context.
 */
import { contextCalls } from './context-uses.js';
import type { Finding } from './finding.js';
import { isNode, type Node, nameOf, type SourceFile, walk } from './parse-source.js';

/** Members of the context whose functions are handlers. */
const HANDLING = new Set([
  'provide',
  'commands.handle',
  'hooks.handle',
  'messaging.on',
  'services.provide',
]);
/** Members that call other plugins, and where their options are among the arguments. */
const CALLING = /^(needs\.[^.]+\.[^.]+|commands\.execute|messaging\.(send|route)|hooks\.\w+)$/;

/** Findings about forgotten calls. */
export function checkCalls(source: SourceFile): readonly Finding[] {
  const calls = contextCalls(source);
  const handlers = calls
    .filter(({ member }) => HANDLING.has(member))
    .flatMap(({ arguments: given }) => given.slice(-1).flatMap(functionsIn));
  return calls.flatMap(({ member, node, arguments: given }) => {
    if (!CALLING.test(member) || member === 'hooks.handle') return [];
    const handler = handlers.find(({ start, end }) => start <= node.start && node.end <= end);
    if (handler === undefined) return [];
    const call = nameOf((handler.params as readonly Node[])[1]);
    if (call !== undefined && given.some((one) => mentions(one, call))) return [];
    return [
      {
        rule: 'call/forgotten',
        severity: 'warning',
        message: `a handler calls ctx.${member} without passing its call on`,
        file: source.file,
        place: source.placeOf(node),
        cure: `Pass the handler's second parameter as the last argument: ${shortOf(member)}(…, ${call ?? 'call'}).`,
      } satisfies Finding,
    ];
  });
}

/** A handler, or the handlers of an object of them. */
function functionsIn(node: Node): readonly Node[] {
  if (Array.isArray(node.params)) return [node];
  if (node.type !== 'ObjectExpression') return [];
  return (node.properties as readonly Node[]).flatMap(({ value }) =>
    isNode(value) && Array.isArray(value.params) ? [value] : [],
  );
}

function mentions(node: Node, name: string): boolean {
  let found = false;
  walk(node, (one) => {
    if (nameOf(one) === name) found = true;
    return !found;
  });
  return found;
}

const shortOf = (member: string) => member.replace(/^needs\./, '');
