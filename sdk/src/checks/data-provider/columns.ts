/** Checks of the option `columns`. */
import { type Checks, ensure, keyOf } from '../check.js';
import { MOST_ROWS, type Probe } from './probe.js';
import { type Query, valuesOf } from './rows.js';

/** Checks of `columns`. */
export function columns(probe: Probe): Checks {
  return {
    'columns: only those that are asked for': async () => {
      for (const { source, rows } of await probe.wholes()) {
        const names = source.columns.map(({ name }) => name);
        for (const columns of [
          ...names.map((name) => [name]),
          names.slice(1),
          names.toReversed(),
        ].filter(({ length }) => length > 0)) {
          const found = await probe.rowsOf({ source: source.id, columns, limit: MOST_ROWS });
          const expected = rows.map((row) =>
            Object.fromEntries(Object.entries(row).filter(([name]) => columns.includes(name))),
          );
          ensure(
            keyOf(found) === keyOf(expected),
            `'${source.id}' answers something else when only ${columns.join()} is asked for`,
          );
        }
      }
    },
    'columns: rows are chosen and ordered by others, too': async () => {
      for (const whole of await probe.wholes()) {
        const { source, rows } = whole;
        for (const { name } of source.columns) {
          const other = source.columns.find((one) => one.name !== name)?.name;
          const value = valuesOf(rows, name)[0];
          if (other === undefined || value === undefined) continue;
          const query: Query = {
            source: source.id,
            where: [{ column: name, operator: '=', value }],
            orderBy: [{ column: name }],
            limit: MOST_ROWS,
          };
          const [full, narrow] = await Promise.all([
            probe.rowsOf(query),
            probe.rowsOf({ ...query, columns: [other] }),
          ]);
          const same =
            keyOf(narrow.map((row) => row[other])) === keyOf(full.map((row) => row[other]));
          ensure(
            same,
            `'${source.id}' has other rows where ${name} = ${keyOf(value)} when only ${other} is asked for`,
          );
        }
      }
    },
  };
}
