/**
 * The order of extensions. It applies to installing, opening and interceptors and, reversed, to
 * their ends.
 */
import { createError, type PluginError } from '@plinth/sdk/contract';
import type { AnyExtension } from './statics.js';

/**
 * Sorts extensions. A required extension comes first, then `before` and `after` apply, else the
 * given order stays.
 *
 * @throws PluginConfigurationError `extension/duplicate`, `extension/missing` with the line to
 * write, `extension/cycle` with the path.
 */
export function orderExtensions(extensions: readonly AnyExtension[]): readonly AnyExtension[] {
  const byName = namesOf(extensions);
  const earlier = new Map(extensions.map(({ statics }) => [statics.name, new Set<string>()]));
  for (const { statics } of extensions) {
    const own = earlier.get(statics.name) as Set<string>;
    for (const needed of required(statics, byName)) own.add(needed);
    for (const other of statics.after ?? []) if (byName.has(other)) own.add(other);
    for (const other of statics.before ?? []) earlier.get(other)?.add(statics.name);
  }
  const order: AnyExtension[] = [];
  const path: string[] = [];
  const visit = (one: AnyExtension) => {
    const { name } = one.statics;
    if (order.includes(one)) return;
    if (path.includes(name)) throw cycle([...path.slice(path.indexOf(name)), name]);
    path.push(name);
    for (const other of extensions) if (earlier.get(name)?.has(other.statics.name)) visit(other);
    path.pop();
    order.push(one);
  };
  for (const one of extensions) visit(one);
  return order;
}

function namesOf(extensions: readonly AnyExtension[]): ReadonlyMap<string, AnyExtension> {
  const byName = new Map<string, AnyExtension>();
  for (const one of extensions) {
    const { name } = one.statics;
    if (byName.has(name))
      throw createError(
        'extension/duplicate',
        `the extension '${name}' is given twice: leave one of them out of 'extensions'`,
        { details: { extension: name } },
      );
    byName.set(name, one);
  }
  return byName;
}

/** The names of the extensions that an extension requires. */
function required(
  { name, requires = [] }: AnyExtension['statics'],
  byName: ReadonlyMap<string, AnyExtension>,
): readonly string[] {
  return requires.map((factory) => {
    // With two modules that import each other, one runs before the other has defined its extension.
    if (factory === undefined)
      throw createError(
        'extension/cycle',
        `'${name}' requires an extension that is not defined yet: two modules import each other`,
        { details: { extension: name } },
      );
    const needed = factory.statics.name;
    const found = byName.get(needed);
    if (found === undefined) throw missing(name, needed, `add ${needed}(…) to 'extensions'`);
    if (found.factory !== factory)
      throw missing(name, needed, `another copy of it is given, install its package once`);
    return needed;
  });
}

const missing = (name: string, needed: string, cure: string): PluginError =>
  createError('extension/missing', `'${name}' requires the extension '${needed}': ${cure}`, {
    details: { extension: name, needed },
  });

const cycle = (path: readonly string[]): PluginError =>
  createError(
    'extension/cycle',
    `extensions cannot be ordered: each of these comes before the next (${[...path].reverse().join(' → ')})`,
    { details: { path: [...path].reverse() } },
  );
