/** Reads the text of a manifest, and measures it before the schema walks it. */
import { createError } from './error-codes.js';
import { deepKey } from './json-text.js';
import { invalid } from './manifest-problems.js';
import { MAX_LENGTHS } from './manifest-schema.js';
import type { Issue } from './schema.js';
import { TOO_DEEP } from './unsafe-keys.js';

/** Largest manifest, in bytes. */
export const MAX_MANIFEST = 262_144;
/** Most values in a manifest, schemas excluded: each invalid one costs the host time. */
const MAX_PARTS = 10_000;

/** From this many characters on, a text's depth is checked before it is parsed. */
const DEPTH_CHECK_FROM = 16_384;

/**
 * Parses the text of a manifest.
 *
 * @throws PluginManifestError `manifest/missing`, `manifest/too-large`, `manifest/not-json` or
 * `manifest/invalid`.
 */
export function parseText(source: string, origin: string): unknown {
  if (source.trim() === '')
    throw createError('manifest/missing', `${origin} is empty`, { details: { origin } });
  if (source.length > MAX_MANIFEST) {
    throw createError(
      'manifest/too-large',
      `${origin} has ${source.length} characters; a manifest has at most ${MAX_MANIFEST}`,
      { details: { origin } },
    );
  }
  const deep = source.length > DEPTH_CHECK_FROM ? deepKey(source) : undefined;
  if (deep !== undefined) throw invalid(undefined, [{ path: deep, message: TOO_DEEP }], origin);
  try {
    return JSON.parse(source.charCodeAt(0) === 0xfeff ? source.slice(1) : source);
  } catch (cause) {
    const page = /^\s*<[!?a-z]/i.test(source.slice(0, 1_024));
    const what = page
      ? 'it is a page (HTML): check the path, and that a server answers what it does not have with 404 and not with its start page'
      : (cause as Error).message;
    throw createError('manifest/not-json', `${origin} is not JSON: ${what}`, {
      details: { origin },
      cause,
    });
  }
}

/** Where a manifest exceeds the bounds of what is given to the schema. */
export function tooMuch(raw: unknown): Issue[] {
  const problems: Issue[] = [];
  for (const [path, most] of Object.entries(MAX_LENGTHS)) {
    const given: unknown = Object(raw)[path];
    const size = Array.isArray(given)
      ? given.length
      : given !== null && typeof given === 'object'
        ? Object.keys(given).length
        : 0;
    if (size > most) problems.push({ path, message: `has ${size} entries, more than ${most}` });
  }
  if (partsOf(raw) > MAX_PARTS)
    problems.push({
      path: '',
      message: `has more than ${MAX_PARTS} values, those in schemas not counted`,
    });
  return problems;
}

/** Keys that hold schemas; these are checked separately. */
const SCHEMAS: ReadonlySet<string> = new Set(['config', 'input', 'output']);

/** The number of values, counted only slightly past the most a manifest may have. */
function partsOf(value: unknown): number {
  if (value === null || typeof value !== 'object') return 1;
  let parts = 1;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length && parts <= MAX_PARTS; index++)
      parts += partsOf(value[index]);
    return parts;
  }
  for (const key in value) {
    parts += SCHEMAS.has(key) ? 1 : partsOf((value as Readonly<Record<string, unknown>>)[key]);
    if (parts > MAX_PARTS) break;
  }
  return parts;
}
