/** Checks of what sources are listed, and of the rows they answer. */
import { type Checks, ensure, ensureUnique, keyOf } from '../check.js';
import { MOST_ROWS, type Probe } from './probe.js';
import { hasType } from './rows.js';

/** Checks of complete answers. */
export function answers(probe: Probe): Checks {
  return {
    'sources() lists each source once, and each of its columns': async () => {
      const listed = await probe.client.sources();
      ensure(listed.length > 0, 'no source is listed');
      ensureUnique(
        listed.map(({ id }) => id),
        'source',
      );
      for (const { id, columns } of listed) {
        ensure(columns.length > 0, `source '${id}' has no columns`);
        ensureUnique(
          columns.map(({ name }) => name),
          `'${id}': column`,
        );
      }
    },
    'query() answers for every source that is listed': async () => {
      for (const { id } of await probe.sources()) await probe.client.query({ source: id });
    },
    'query() answers rows that have the columns of their source': async () => {
      for (const { source, rows } of await probe.wholes()) {
        const types = new Map(source.columns.map(({ name, type }) => [name, type]));
        for (const row of rows) {
          for (const [name, value] of Object.entries(row)) {
            const type = types.get(name);
            ensure(
              type !== undefined,
              `'${source.id}' has a row with '${name}', which isn't one of its columns`,
            );
            ensure(
              hasType(value, type),
              `'${source.id}' has a row whose '${name}' is not of type ${type}`,
              { value: keyOf(value) },
            );
          }
        }
        for (const name of types.keys())
          ensure(
            rows.some((row) => row[name] !== undefined),
            `no row of '${source.id}' has its column '${name}'`,
          );
      }
    },
    'query() answers the same again': async () => {
      for (const { source, rows } of await probe.wholes()) {
        ensure(
          keyOf(await probe.rowsOf({ source: source.id, limit: MOST_ROWS + 1 })) === keyOf(rows),
          `two answers for '${source.id}' differ`,
        );
      }
    },
  };
}
