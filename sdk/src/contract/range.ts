/** The one door to semver: versions and ranges, each range parsed once. */
import Range from 'semver/classes/range.js';
import SemVer from 'semver/classes/semver.js';

const MAX_TEXT = 256;
const ranges = new Map<string, Range>();
const MAX_CACHED = 2_000;

function rangeOf(text: string): Range {
  let range = ranges.get(text);
  if (range === undefined) {
    range = new Range(text);
    // Ranges come from manifests: a bound keeps a hostile catalogue from growing the cache for ever.
    if (ranges.size >= MAX_CACHED) ranges.clear();
    ranges.set(text, range);
  }
  return range;
}

/** Whether a text is an exact semantic version (`1.2.3`, `2.0.0-beta.1`). */
export function isVersion(text: string): boolean {
  if (text.length > MAX_TEXT) return false;
  try {
    return new SemVer(text).version === text.split('+', 1)[0];
  } catch {
    return false;
  }
}

/** Whether a text is a range that semver can read (`^1.2.0`, `>=1 <3`, `*`). */
export function isRange(text: string): boolean {
  if (text.length > MAX_TEXT) return false;
  try {
    rangeOf(text);
    return true;
  } catch {
    return false;
  }
}

/** Whether a version lies in a range. A pre-release only matches a range that names one of the same triple. */
export function satisfies(version: string, range: string): boolean {
  return rangeOf(range).test(version);
}

/** Orders versions, oldest first, for `Array.sort`. */
export function compareVersions(a: string, b: string): number {
  return new SemVer(a).compare(b);
}
