/** What a manifest must fulfil beyond its schema: rules about several of its values. */
import { didYouMean } from './did-you-mean.js';
import { cut, knownKeys } from './manifest-problems.js';
import type { Manifest } from './manifest-schema.js';
import { isOpen, parseContractId } from './names.js';
import { scopeCovers, scopesOf } from './permission.js';
import type { Issue } from './schema.js';

const PROVIDE = 'contracts.provide';

/**
 * Contracts that a manifest promises and that aren't its plugin's to provide.
 *
 * @param open which contracts the application opens. Where no application is known, those that the
 * manifest itself asks for.
 */
export function foreignProvides(
  { id, provides = [], permissions }: Manifest,
  open: ((base: string) => boolean) | undefined,
): Issue[] {
  const asked = scopesOf(permissions, PROVIDE);
  const mayOpen =
    open ??
    ((base: string) => isOpen(base) || asked.some((scope) => scopeCovers(PROVIDE, scope, base)));
  return provides.flatMap((provided) => {
    const base = parseContractId(provided)?.base;
    if (base === undefined || base === id || mayOpen(base)) return [];
    const rule =
      open === undefined
        ? `. If the application opens it, ask for it in permissions: "contracts": { "provide": ["${base}"] }`
        : `: a plugin provides contracts under its own id '${id}', and those that the application opens (option 'contracts')`;
    return { path: 'provides', message: `'${provided}' is not this plugin's${rule}` };
  });
}

/** Points that one manifest may contribute to. */
const MAX_POINTS = 64;

/** The kernel's own points. Read with the first manifest: the schema doesn't change. */
let ownPoints: readonly string[] | undefined;

/** Keys of `contributes` that are hardly meant as points of an application. */
function misspeltPoints({ contributes }: Manifest): Issue[] {
  ownPoints ??= knownKeys('contributes.x');
  const known = ownPoints;
  const given = Object.keys(contributes);
  if (given.length > MAX_POINTS)
    return [{ path: 'contributes', message: `has ${given.length} keys, at most ${MAX_POINTS}` }];
  return given.flatMap((point) => {
    if (known.includes(point)) return [];
    const path = `contributes.${cut(point)}`;
    if (!/^[a-z][a-zA-Z0-9-]{0,63}$/.test(point))
      return { path, message: "is no point of an application: letters, digits and '-'" };
    const near = didYouMean(point, known, given);
    return near === '' ? [] : { path, message: `unknown key${near}` };
  });
}

/** Where a manifest that fits the schema breaks a rule. */
export function semanticProblems(
  parsed: Manifest | undefined,
  raw: unknown,
  open: ((base: string) => boolean) | undefined,
): Issue[] {
  if (parsed === undefined) return [];
  const problems: Issue[] = [];
  for (const key of ['dependencies', 'optionalDependencies'] as const) {
    if (Object.hasOwn(parsed[key], parsed.id))
      problems.push({ path: `${key}.${parsed.id}`, message: 'a plugin cannot depend on itself' });
  }
  problems.push(...foreignProvides(parsed, open), ...misspeltPoints(parsed));
  for (const what of ['commands', 'events', 'hooks'] as const) {
    const ids = new Set<string>();
    for (const [index, { id }] of (parsed.contributes[what] ?? []).entries()) {
      if (ids.has(id))
        problems.push({
          path: `contributes.${what}.${index}.id`,
          message: `'${id}' is contributed twice`,
        });
      ids.add(id);
    }
  }
  const { files, main } = parsed;
  if (files !== undefined) {
    if (!Object.hasOwn(files, main))
      problems.push({
        path: 'files',
        message: `has no digest of '${main}', which is what runs: add it, or leave 'files' out`,
      });
    if (Object.keys(files).length < Object.keys((raw as { files: object }).files).length)
      problems.push({ path: 'files', message: 'has a file twice' });
  }
  return problems;
}
