/** The order of layers: as registered, unless a layer asks to come before or after others. */
import type { MiddlewareOptions } from '@plinth/sdk';
import { covers, createError } from '@plinth/sdk/contract';

/** An item to sort. */
export interface Ordered {
  readonly name: string;
  /** Plugin id, or `host`. */
  readonly owner: string;
  readonly pattern: string;
  /**
   * Names of layers, or plugin ids for all layers of a plugin, that go inside this one. Unknown
   * names are ignored.
   */
  readonly before: readonly string[];
  /** The layers that go around this one. */
  readonly after: readonly string[];
}

/**
 * Sorts layers, the outermost first. Of the layers that may come next, the first in the given order
 * is taken.
 *
 * @throws PluginConfigurationError `middleware/cycle` with the path.
 */
export function order<T extends Ordered>(layers: readonly T[]): readonly T[] {
  if (layers.every(({ before, after }) => before.length === 0 && after.length === 0)) return layers;
  const waiting = new Set(layers);
  const sorted: T[] = [];
  while (waiting.size > 0) {
    const next = [...waiting].find((one) => outside(one, waiting) === undefined);
    if (next === undefined) throw cycle(waiting);
    waiting.delete(next);
    sorted.push(next);
  }
  return sorted;
}

/** One of the other layers that has to be around this one. */
function outside<T extends Ordered>(layer: T, others: Iterable<T>): T | undefined {
  for (const other of others)
    if (
      other !== layer &&
      overlaps(other.pattern, layer.pattern) &&
      (means(other.before, layer) || means(layer.after, other))
    )
      return other;
  return undefined;
}

/** The name of a layer, and its requested position. */
export function placeOf(
  owner: string,
  { name, before, after }: MiddlewareOptions = {},
): Pick<Ordered, 'name' | 'before' | 'after'> {
  const list = (names: string | readonly string[] = []) =>
    typeof names === 'string' ? [names] : names;
  return {
    name: name === undefined ? owner : owner === 'host' ? name : `${owner}:${name}`,
    before: list(before),
    after: list(after),
  };
}

const means = (names: readonly string[], { name, owner }: Ordered) =>
  names.includes(name) || names.includes(owner);
const overlaps = (a: string, b: string) => a === b || covers(a, b) || covers(b, a);

function cycle<T extends Ordered>(waiting: ReadonlySet<T>): Error {
  const path: T[] = [];
  // Each waiting layer has another waiting layer around it, so following them leads into a cycle.
  for (let at = [...waiting][0] as T; ; at = outside(at, waiting) as T) {
    const from = path.indexOf(at);
    path.unshift(at);
    if (from < 0) continue;
    const names = path.slice(0, from + 2).map(({ name }) => name);
    return createError(
      'middleware/cycle',
      `middleware cannot be ordered: each of these is to stand around the next (${names.join(' → ')})`,
      { details: { path: names } },
    );
  }
}
