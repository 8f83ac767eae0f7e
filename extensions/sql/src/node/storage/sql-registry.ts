/** The registry of installed plugins in a SQL database: a row for each plugin. */
import type { RegistryAdapter, StorageAdapter } from '@plinth/kernel/extension';
import { placeOf, type SqlPlace } from './place.js';
import { type PluginPlace, PluginRows, pluginTable } from './plugin-rows.js';
import { Values, valueTable } from './values.js';

const PLUGINS = 'plugin';
/** Packages that were installed, and the last good state of each entry. */
const VALUES = 'plinth_registry';

/**
 * Keeps which plugins are installed, and what was decided about them, in a file of SQLite or a
 * database of PostgreSQL: the table `plugin` has a row for each plugin. It is opened by its first
 * use.
 *
 * @throws PluginConfigurationError `kernel/invalid-option` for options that are none.
 * @example
 * const kernel = await createKernel({
 *   plugins: './plugins',
 *   data: './data',
 *   registry: sqlRegistry({ file: './plugins.sqlite' }),
 * });
 */
export function sqlRegistry(place: SqlPlace): RegistryAdapter {
  const opened = placeOf('sqlRegistry', place, PLUGINS, (names) => [
    ...pluginTable(`${names.in}${PLUGINS}`),
    ...valueTable(`${names.in}${VALUES}`, names.bytes),
  ]);
  const rows = new PluginRows(opened.client, `${opened.in}${PLUGINS}`);
  const values = new Values(opened.client, `${opened.in}${VALUES}`);
  return { over: (storage) => registryOver(storage, rows, values) };
}

/** What a key of the registry is of. */
type Own = { readonly entry: PluginPlace } | 'value';

function registryOver(storage: StorageAdapter, rows: PluginRows, values: Values): StorageAdapter {
  /** Does what a key needs: that of an entry, of another value of the registry, or of another key. */
  const at = <T>(
    key: string,
    value: () => Promise<T>,
    entry: (place: PluginPlace) => Promise<T>,
    other: () => Promise<T>,
  ): Promise<T> => {
    const own = ownOf(key);
    if (own === undefined) return other();
    return own === 'value' ? value() : entry(own.entry);
  };
  return {
    get: async (key) =>
      at(
        key,
        () => values.get(key),
        (place) => rows.get(place),
        () => storage.get(key),
      ),
    set: async (key, value) =>
      at(
        key,
        () => values.set(key, value),
        (place) => rows.update(place, () => value),
        () => storage.set(key, value),
      ),
    delete: async (key) =>
      at(
        key,
        () => values.delete(key),
        (place) => rows.remove(place),
        () => storage.delete(key),
      ),
    update: async (key, change) =>
      at(
        key,
        () => values.update(key, change),
        (place) => rows.update(place, change),
        () => storage.update(key, change),
      ),
    ...listing(storage, rows, values),
    problem: async () =>
      (await storage.problem?.()) ?? (await rows.problem()) ?? (await values.problem()),
    onCorrupt(listener) {
      storage.onCorrupt?.(listener);
      values.onCorrupt(listener);
    },
    async close() {
      const own = async () => {
        await rows.idle();
        await values.close();
      };
      const closed = await Promise.allSettled([storage.close(), own()]);
      for (const one of closed) if (one.status === 'rejected') throw one.reason;
    },
  };
}

/** What is about all keys that begin with a prefix. */
function listing(
  storage: StorageAdapter,
  rows: PluginRows,
  values: Values,
): Pick<StorageAdapter, 'clear' | 'cost' | 'keys' | 'sizes'> {
  const placesBelow = async (prefix: string) => {
    const end = prefix.indexOf('\0');
    const all = await rows.all(end < 0 ? undefined : prefix.slice(0, end));
    return all.filter((one) => keyOf(one).startsWith(prefix));
  };
  const { cost, sizes } = storage;
  return {
    async keys(prefix) {
      const others = (await storage.keys(prefix)).filter((key) => ownOf(key) === undefined);
      if (!mayBeOwn(prefix)) return others;
      const [entries, kept] = await Promise.all([placesBelow(prefix), values.keys(prefix)]);
      return [...others, ...entries.map(keyOf), ...kept];
    },
    async clear(prefix) {
      await storage.clear(prefix);
      if (!mayBeOwn(prefix)) return;
      await values.clear(prefix);
      const tenant = prefix.slice(0, -1);
      if (prefix === `${tenant}\0` && !tenant.includes('\0')) return rows.clear(tenant);
      for (const place of await placesBelow(prefix)) await rows.remove(place);
    },
    ...(cost !== undefined && {
      cost: (key, value) =>
        ownOf(key) === undefined ? cost.call(storage, key, value) : values.cost(key, value),
    }),
    ...(sizes !== undefined && {
      async sizes(prefix) {
        const all = new Map(await sizes.call(storage, prefix));
        for (const key of [...all.keys()]) if (ownOf(key) !== undefined) all.delete(key);
        if (!mayBeOwn(prefix)) return all;
        for (const one of await placesBelow(prefix)) all.set(keyOf(one), one.bytes);
        for (const [key, bytes] of await values.sizes(prefix)) all.set(key, bytes);
        return all;
      },
    }),
  };
}

/** Where the kernel keeps its registry: no plugin has the id `plinth`. */
const OWN = /^([^\0]*)\0plinth\0(entry|copy|code)\0/;

function ownOf(key: string): Own | undefined {
  const match = OWN.exec(key);
  if (match === null) return undefined;
  const [before, tenant = '', part] = match;
  return part === 'entry' ? { entry: { tenant, id: key.slice(before.length) } } : 'value';
}

const keyOf = ({ tenant, id }: PluginPlace): string => `${tenant}\0plinth\0entry\0${id}`;

/** Whether keys of the registry may begin with a prefix. */
function mayBeOwn(prefix: string): boolean {
  if (OWN.test(prefix)) return true;
  const [, id = '', part = ''] = prefix.split('\0');
  return 'plinth'.startsWith(id) && ['entry', 'copy', 'code'].some((one) => one.startsWith(part));
}
