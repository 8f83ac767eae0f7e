/** Chains of calls that are made for each other: how deep they go, and that they never return. */
import { createError } from '@plinth/sdk/contract';
import type { CallTarget, KernelCall, Under } from './kernel-call.js';

/** From this depth on, calls without a named parent end with the root. */
export const DEEP = 8;
/** How deep calls without a named parent may nest. */
const MAX_UNDER = 1_024;

/** Longest chain of calls that are made for each other. */
const MAX_DEPTH = 32;

/**
 * Refuses a call that would return to a provider in its chain, which would wait for itself.
 *
 * @throws PluginLifecycleError `call/cycle` with the whole path.
 */
export function checkChain(target: CallTarget, parent: KernelCall): void {
  let depth = 1;
  let cycle = false;
  for (let above: KernelCall | undefined = parent; above !== undefined; above = above.parent) {
    depth += 1;
    if (
      above.target.id === target.id &&
      above.target.owner === target.owner &&
      target.reentrant !== true
    )
      cycle = true;
  }
  if (!cycle && depth <= MAX_DEPTH) return;
  const path = [target.id];
  for (let above: KernelCall | undefined = parent; above !== undefined; above = above.parent)
    path.unshift(above.target.id);
  const shown = path.length > 8 ? [...path.slice(0, 4), '…', ...path.slice(-3)] : path;
  throw createError(
    'call/cycle',
    `${target.id} is not called: ${cycle ? 'its chain of calls has been there already' : `its chain of calls is longer than ${MAX_DEPTH}`} (${shown.join(' → ')})`,
    {
      plugin: target.owner,
      details: { command: target.id, path },
    },
  );
}

/**
 * What a guest's call without a named parent may belong to. Undefined when that is unknown.
 *
 * @throws PluginLifecycleError `call/cycle` when so many calls nest that only a cycle explains it,
 * PluginCancelledError `call/cancelled` when the root has ended.
 */
export function underOf(open: readonly KernelCall[], plugin: string): Under | undefined {
  const [first] = open;
  if (first === undefined) return undefined;
  let { root, depth } = first.under;
  let several = false;
  for (const one of open) {
    const under = one.under;
    several ||= under.root !== root;
    if (under.depth > depth) ({ root, depth } = under);
  }
  // Takes the deepest: a cycle keeps growing. Nothing proves that this call extends it.
  if (several && depth < DEEP) return undefined;
  if (!several) depth += 1;
  const why = (what: string) =>
    `${plugin} calls on and on for ${root.id}, and doesn't say so: ${what}; pass the call on that a handler gets, as in execute(id, input, call)`;
  const facts = { plugin, details: { command: root.id, depth } };
  if (depth >= MAX_UNDER)
    throw createError('call/cycle', why(`${depth} calls lie under one another`), facts);
  if (depth >= DEEP && root.over)
    throw createError('call/cancelled', why('that call is over'), facts);
  return { root, depth };
}
