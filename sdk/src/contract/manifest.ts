/**
 * `plugin.json`: what can be known about a plugin without running it. The text is untrusted: parsed
 * once, strictly.
 */
import * as v from 'valibot';
import { deepFreeze } from './deep-freeze.js';
import { jsonCopy } from './json-copy.js';
import { duplicateKeys, hasPlainKeys, lossyNumbers } from './json-text.js';
import { invalid, MAX_PROBLEMS, toProblem } from './manifest-problems.js';
import { foreignProvides, semanticProblems } from './manifest-rules.js';
import { type Manifest, manifestSchema } from './manifest-schema.js';
import { parseText, tooMuch } from './manifest-text.js';
import type { Issue } from './schema.js';
import { TOO_DEEP, unsafeKeys } from './unsafe-keys.js';

/** What a reader of manifests knows of the application. */
export interface ManifestOptions {
  /**
   * Whether any plugin may provide a contract, by its base. When absent, the standard ones and those
   * that the manifest asks for in `permissions.contracts.provide`: a kernel decides on them later.
   */
  readonly open?: (base: string) => boolean;
}

/**
 * Reads a manifest from text or from an already parsed object.
 *
 * @param origin where it came from, named in every error.
 * @throws PluginManifestError `manifest/missing` (empty), `manifest/too-large`,
 * `manifest/not-json`, or `manifest/invalid` with every problem and its path in `details.problems`,
 * at most 50.
 */
export function parseManifest(
  source: string | object,
  origin = 'plugin.json',
  { open }: ManifestOptions = {},
): Manifest {
  const raw = typeof source === 'string' ? parseText(source, origin) : source;
  const problems: Issue[] =
    typeof source !== 'string'
      ? unsafeKeys(raw)
      : hasPlainKeys(source, raw)
        ? []
        : [...duplicateKeys(source), ...unsafeKeys(raw)];
  if (typeof source === 'string')
    for (const written of lossyNumbers(source).slice(0, 8))
      problems.push({
        path: '',
        message: `${written} has more digits than a number keeps: write it as a text, in quotes`,
      });
  // The schema walks the value, so a value that would overflow the stack or take too long is
  // refused first.
  const bounds = problems.some(({ message }) => message === TOO_DEEP) ? problems : tooMuch(raw);
  if (bounds.length > 0) throw invalid(raw, bounds, origin);
  // An object is the caller's own: it stays as it is, and nothing reaches the manifest through it.
  const data = typeof source === 'string' ? raw : jsonCopy(raw, problems);
  const result = v.safeParse(manifestSchema, data);
  problems.push(
    ...(result.issues ?? []).slice(0, MAX_PROBLEMS).map(toProblem),
    ...semanticProblems(result.typed ? result.output : undefined, data, open),
  );
  if (problems.length > 0) throw invalid(data, problems, origin);
  return deepFreeze(result.output as Manifest);
}

/**
 * Checks that a plugin may provide the contracts that its manifest promises.
 *
 * @param open whether any plugin may provide a contract, by its base.
 * @throws PluginManifestError `manifest/invalid`.
 */
export function checkProvides(
  manifest: Manifest,
  origin: string,
  open: (base: string) => boolean,
): void {
  const problems = foreignProvides(manifest, open);
  if (problems.length > 0) throw invalid(manifest, problems, origin);
}
