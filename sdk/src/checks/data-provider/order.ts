/** Checks of the option `orderBy`. */
import { type Checks, ensure, keyOf } from '../check.js';
import { ensureOrdered, MOST_ROWS, type Probe } from './probe.js';
import { firstMissing, valuesOf } from './rows.js';

/** Checks of `orderBy`. */
export function order(probe: Probe): Checks {
  return { ...directions(probe), ...ties(probe) };
}

function directions(probe: Probe): Checks {
  return {
    ...Object.fromEntries(
      [false, true].map((descending) => [
        `orderBy: ${descending ? 'descending' : 'ascending'}`,
        async () => {
          for (const { source, rows } of await probe.wholes()) {
            for (const { name: column } of source.columns) {
              const ordered = await probe.rowsOf({
                source: source.id,
                orderBy: [{ column, descending }],
                limit: MOST_ROWS,
              });
              ensureOrdered(ordered, column, descending, source.id);
              const lost = firstMissing(rows, ordered);
              ensure(
                lost === undefined && ordered.length === rows.length,
                `'${source.id}' by ${column} has other rows than before`,
                { row: keyOf(lost) },
              );
              const [first] = await probe.rowsOf({
                source: source.id,
                orderBy: [{ column, descending }],
                limit: 1,
              });
              ensure(
                keyOf(first) === keyOf(ordered[0]),
                `'${source.id}' by ${column} is cut before it is ordered`,
              );
            }
          }
        },
      ]),
    ),
  };
}

function ties(probe: Probe): Checks {
  return {
    'orderBy: the second column orders what is equal in the first': async () => {
      for (const { source } of await probe.wholes()) {
        for (const { name: first } of source.columns) {
          for (const { name: second } of source.columns.filter(({ name }) => name !== first)) {
            for (const descending of [false, true]) {
              const rows = await probe.rowsOf({
                source: source.id,
                orderBy: [{ column: first }, { column: second, descending }],
                limit: MOST_ROWS,
              });
              ensureOrdered(rows, first, false, source.id);
              for (const value of valuesOf(rows, first)) {
                const ties = rows.filter((row) => row[first] === value);
                ensureOrdered(ties, second, descending, source.id);
              }
            }
          }
        }
      }
    },
    'orderBy: pages are stable, also where rows are equal': async () => {
      for (const whole of await probe.wholes()) {
        for (const { name: column } of whole.source.columns) {
          for (const descending of [false, true]) {
            const orderBy = [{ column, descending }];
            await probe.ensurePaged(
              whole,
              { orderBy },
              await probe.rowsOf({ source: whole.source.id, orderBy, limit: MOST_ROWS }),
            );
          }
        }
      }
    },
  };
}
