/** Reads a need of a manifest: a contract, and the majors of it that will do. */
import { parseContractId, pluginIdProblem } from './names.js';
import { isRange } from './range.js';

/** `com.example.search@^1` → contract base and range, or undefined when malformed. */
export function parseNeed(
  value: string,
): { readonly base: string; readonly range: string } | undefined {
  const at = value.indexOf('@');
  if (at <= 0) return undefined;
  const base = value.slice(0, at);
  const versions = value.slice(at + 1);
  const known =
    parseContractId(`${base}@0`) !== undefined &&
    (base.startsWith('plinth.') || pluginIdProblem(base) === undefined);
  return known && isRange(versions) && versions !== '' ? { base, range: versions } : undefined;
}
