/** Packages as sources and applications give them: what is no package is refused. */
import { createError, messageOf, PluginError } from '@plinth/sdk/contract';
import type { PluginPackage, PluginSource } from '../host.js';

/**
 * A package as it is, at once, or the one plugin of a source. What is asked for later must not
 * overtake a package that is there.
 */
export function packageFrom(
  found: PluginPackage | PluginSource,
): PluginPackage | Promise<PluginPackage> {
  if (found === null || typeof found !== 'object')
    throw createError(
      'kernel/invalid-option',
      `a plugin is installed from a package or a source, not from ${messageOf(found)}`,
    );
  if ('discover' in found) return onlyOneOf(found);
  if (isPackage(found)) return found;
  throw createError('kernel/invalid-option', WHAT_A_PACKAGE_IS);
}

async function onlyOneOf(found: PluginSource): Promise<PluginPackage> {
  const all: unknown[] = [];
  try {
    for await (const one of found.discover()) all.push(one);
  } catch (cause) {
    if (cause instanceof PluginError) throw cause;
    throw createError(
      'plugin/source-failed',
      `cannot look for a plugin in ${found.origin ?? 'the source'}: ${messageOf(cause)}`,
      { cause },
    );
  }
  if (all.length !== 1)
    throw createError(
      'plugin/source-failed',
      `found ${all.length} plugins in ${found.origin ?? 'the source'} where one is to be installed`,
      { details: { found: all.length } },
    );
  const [one] = all;
  if (!isPackage(one)) throw noPackage(one);
  return one;
}

/**
 * The packages among what sources have found. One thing that is no package doesn't keep the others
 * from being used.
 *
 * @param report is told about each of the rest.
 */
export function packagesAmong(
  found: readonly unknown[],
  report: (problem: PluginError) => void,
): readonly PluginPackage[] {
  return found.filter((one): one is PluginPackage => {
    if (isPackage(one)) return true;
    report(noPackage(one));
    return false;
  });
}

const WHAT_A_PACKAGE_IS =
  'a package has an origin, a manifest and a function that answers its code: make one with packageOf({ manifest, code })';

function noPackage(one: unknown): PluginError {
  return createError(
    'plugin/source-failed',
    `a source has found ${nameOf(one)}, which is no package: ${WHAT_A_PACKAGE_IS}`,
  );
}

/** Reading a part of it may throw. */
function isPackage(one: unknown): one is PluginPackage {
  if (one === null || typeof one !== 'object') return false;
  try {
    const { origin, code } = one as Partial<PluginPackage>;
    return typeof origin === 'string' && typeof code === 'function';
  } catch {
    return false;
  }
}

function nameOf(one: unknown): string {
  if (one === null || typeof one !== 'object') return messageOf(one);
  try {
    const { origin } = one as { readonly origin?: unknown };
    return typeof origin === 'string' ? `something in ${origin}` : 'an object without an origin';
  } catch {
    return 'an object that cannot be read';
  }
}
