/** Copies data as JSON carries it. */
import type { Issue } from './schema.js';
import { MAX_PROBLEMS } from './unsafe-keys.js';

/**
 * A copy of plain data, which shares nothing with it. Properties that are undefined are left out,
 * as JSON does. Each value that JSON can't carry is a problem, and isn't in the copy.
 *
 * @param value without circles.
 * @param problems gets what is found, at most 50.
 */
export function jsonCopy(value: unknown, problems: Issue[], path = ''): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && (Number.isFinite(value) || isEndless(value, path))) return value;
  const below = (key: string | number) => (path === '' ? String(key) : `${path}.${key}`);
  if (Array.isArray(value))
    return Array.from(value, (item: unknown, at) => jsonCopy(item, problems, below(at)));
  if (typeof value === 'object' && isPlain(value)) {
    const copy: Record<string, unknown> = {};
    for (const [key, item] of Object.entries(value))
      if (item !== undefined && key !== '__proto__')
        copy[key] = jsonCopy(item, problems, below(key));
    return copy;
  }
  if (problems.length < MAX_PROBLEMS)
    problems.push({ path, message: `is ${nameOf(value)}: a manifest has only what JSON has` });
  return undefined;
}

/** Whether a limit of the manifest is none. Only an object can say so, and the schema judges it. */
const isEndless = (value: number, path: string): boolean =>
  value === Number.POSITIVE_INFINITY && path.startsWith('resources.');

/** Whether an object has no class: its prototype is none, or that of objects in any realm. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function nameOf(value: unknown): string {
  if (typeof value !== 'object') return typeof value === 'number' ? String(value) : typeof value;
  const name: unknown = (value as object).constructor?.name;
  return typeof name === 'string' && name !== '' ? `a ${name.slice(0, 40)}` : 'no plain object';
}
