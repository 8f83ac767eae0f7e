/** An explanation as lines of text, for people. */
import type { Explanation } from './explain.js';

const time = (at: number): string => new Date(at).toISOString();

/**
 * Writes an explanation as lines of text.
 *
 * @example console.log(explanationText(kernel.plugins.explain('com.example.notes')));
 */
export function explanationText(explanation: Explanation): string {
  const { because, chain, waits, neededBy, calledBy, limits, next } = explanation;
  const lines = [because];
  const add = (what: string, told: string | undefined) => {
    if (told !== undefined && told !== '') lines.push(`  ${what}: ${told}`);
  };
  add('chain', chain?.map(({ id, state }) => `${id} (${state})`).join(' → '));
  add('waits', waits && `${waits.messages} messages, because of ${waits.holds.join(', ')}`);
  add('needed by', neededBy?.map(({ id, state }) => `${id} (${state})`).join(', '));
  add('called by', calledBy?.map(({ id, calls }) => `${id} (${calls})`).join(', '));
  add('rights', rightsText(explanation.rights));
  add(
    'limits',
    Object.entries(limits ?? {})
      .map(([name, limit]) => `${name} ${limit}`)
      .join(', '),
  );
  for (const { command, state, since } of explanation.breakers ?? [])
    add('breaker', `${command} is ${state} since ${time(since)}`);
  for (const { permission, scope, count, reason, add: line } of explanation.denials ?? []) {
    const because = reason === undefined ? '' : ` (${reason})`;
    const cure = line === undefined ? '' : `, add ${line}`;
    add('denied', `${permission} of '${scope}', ${count} times${because}${cure}`);
  }
  for (const { at, what, because: why } of explanation.history ?? [])
    add(time(at), why === undefined ? what : `${what}: ${why}`);
  for (const { at, took, kind, name } of explanation.longTasks ?? [])
    add(`held its thread ${time(at)}`, `${kind} ${name}, ${took.toFixed(0)} ms`);
  for (const { at, took, feature, caller } of explanation.slowCalls ?? [])
    add(`slow ${time(at)}`, `${feature} for ${caller}, ${took.toFixed(0)} ms`);
  for (const { at, code, message, command, stack } of explanation.failures ?? []) {
    add(
      `failed ${time(at)}`,
      `${code}${command === undefined ? '' : ` in ${command}`}: ${message}`,
    );
    if (stack !== undefined) lines.push(...stack.split('\n').map((line) => `    ${line.trim()}`));
  }
  add('next', next);
  return lines.join('\n');
}

function rightsText(rights: object | undefined): string {
  return Object.entries(rights ?? {})
    .filter(([, right]) => right !== undefined && right !== false)
    .map(([name, right]) => `${name} ${JSON.stringify(right)}`)
    .join(', ');
}
