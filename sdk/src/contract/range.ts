/** The only user of semver: versions and ranges, each range parsed once. */
import Range from 'semver/classes/range.js';
import SemVer from 'semver/classes/semver.js';

const MAX_TEXT = 256;
/**
 * The texts come from manifests. The bound keeps a hostile catalogue from growing the cache without
 * end.
 */
const MAX_CACHED = 2_000;
const ranges = new Map<string, Range>();
/** Comparators in one range: each costs the host as much as a short range. */
const MAX_COMPARATORS = 10;
const versions = new Map<string, SemVer>();
/** By range, then by version: a catalogue asks the same few questions repeatedly. */
const verdicts = new Map<string, Map<string, boolean>>();
/** Most cached verdicts, all ranges together. */
const MAX_VERDICTS = 50_000;
let known = 0;

function remembered<T>(cache: Map<string, T>, text: string, parse: (text: string) => T): T {
  let parsed = cache.get(text);
  if (parsed === undefined) {
    parsed = parse(text);
    if (cache.size >= MAX_CACHED) cache.clear();
    cache.set(text, parsed);
  }
  return parsed;
}

const rangeOf = (text: string) => remembered(ranges, text, (range) => new Range(range));
const semVerOf = (text: string) => remembered(versions, text, (version) => new SemVer(version));

/** Whether a text is an exact semantic version (`1.2.3`, `2.0.0-beta.1`). */
export function isVersion(text: string): boolean {
  if (text.length > MAX_TEXT) return false;
  try {
    return semVerOf(text).version === text.split('+', 1)[0];
  } catch {
    return false;
  }
}

/** Whether a text is a range that semver can read (`^1.2.0`, `>=1 <3`, `*`). */
export function isRange(text: string): boolean {
  if (text.length > MAX_TEXT || text.trim().split(/\s*\|\|\s*|\s+/).length > MAX_COMPARATORS)
    return false;
  try {
    rangeOf(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * Whether a version lies in a range. A pre-release only matches a range that names one of the same
 * triple.
 */
export function satisfies(version: string, range: string): boolean {
  const ofRange = remembered(verdicts, range, () => new Map<string, boolean>());
  let verdict = ofRange.get(version);
  if (verdict === undefined) {
    verdict = rangeOf(range).test(semVerOf(version));
    known += 1;
    if (known > MAX_VERDICTS) {
      verdicts.clear();
      known = 0;
    }
    ofRange.set(version, verdict);
  }
  return verdict;
}

/** Orders versions, oldest first, for `Array.sort`. */
export function compareVersions(a: string, b: string): number {
  return semVerOf(a).compare(semVerOf(b));
}

/** Whether a version is not a pre-release. */
export function isStable(version: string): boolean {
  return semVerOf(version).prerelease.length === 0;
}
