/** Checks of `DataProvider`. */
import type { Client } from '../contract/contract.js';
import { DataProvider } from '../contracts/data-provider.js';
import {
  type Check,
  checksOf,
  ensure,
  ensureDeclared,
  ensureUnique,
  keyOf,
  NO_SUCH,
} from './check.js';
import {
  type Condition,
  compare,
  firstMissing,
  fitsAll,
  hasType,
  isScalar,
  type Query,
  type Row,
  type Source,
  valuesOf,
} from './rows.js';

/** Samples for the checks of a `DataProvider`. */
export interface DataProviderSamples {
  /**
   * The source to check; every listed one when absent. It needs a few rows, and no more than 10
   * 000.
   */
  readonly source?: string;
}

const MOST_ROWS = 10_000;
const DEFAULT_LIMIT = 100;

interface Whole {
  readonly source: Source;
  readonly rows: readonly Row[];
}

/** The checks of one `DataProvider`. Its rows must not change meanwhile. */
export function dataProviderChecks(
  client: Client<typeof DataProvider>,
  samples: DataProviderSamples,
): readonly Check[] {
  const rowsOf = async (query: Query) => (await client.query(query)).rows;
  const sources = async () => {
    const listed = await client.sources();
    const chosen =
      samples.source === undefined ? listed : listed.filter(({ id }) => id === samples.source);
    ensure(
      chosen.length > 0,
      samples.source === undefined
        ? 'no source is listed'
        : `source '${samples.source}' isn't listed`,
    );
    return chosen;
  };
  const wholes = async (): Promise<readonly Whole[]> => {
    const all = await Promise.all(
      (await sources()).map(async (source) => ({
        source,
        rows: await rowsOf({ source: source.id, limit: MOST_ROWS + 1 }),
      })),
    );
    for (const { source, rows } of all)
      ensure(
        rows.length <= MOST_ROWS,
        `'${source.id}' has more rows than can be checked: name a smaller one as sample`,
      );
    const filled = all.filter(({ rows }) => rows.length > 1);
    ensure(filled.length > 0, 'there is nothing to check with: a source needs two rows at least');
    return filled;
  };
  const ensureFiltered = async (
    { source, rows }: Whole,
    where: readonly Condition[],
    more: Partial<Query> = {},
  ) => {
    const asked = where
      .map(({ column, operator, value }) => `${column} ${operator} ${keyOf(value)}`)
      .join(' and ');
    const found = await rowsOf({ source: source.id, where: [...where], limit: MOST_ROWS, ...more });
    const must = rows.filter((row) => fitsAll(row, where) === true);
    const may = rows.filter((row) => fitsAll(row, where) !== false);
    const wrong = firstMissing(found, may);
    ensure(
      wrong === undefined,
      `'${source.id}' where ${asked} has a row that doesn't belong there`,
      { row: keyOf(wrong) },
    );
    const missing = firstMissing(must, found);
    ensure(missing === undefined, `'${source.id}' where ${asked} lacks a row`, {
      row: keyOf(missing),
    });
  };
  /** Reads pages until all rows must have been seen. The page after the last must be empty. */
  const ensurePaged = async (
    { source, rows }: Whole,
    query: Partial<Query>,
    expected: readonly Row[],
  ) => {
    for (const limit of new Set(
      [1, 2, Math.ceil(rows.length / 3), rows.length - 1].filter(
        (size) => size >= rows.length / 40,
      ),
    )) {
      const paged: Row[] = [];
      for (let offset = 0; offset < expected.length; offset += limit) {
        const page = await rowsOf({ source: source.id, ...query, limit, offset });
        ensure(
          page.length === Math.min(limit, expected.length - offset),
          `'${source.id}' has ${page.length} rows at limit ${limit}, offset ${offset}`,
        );
        paged.push(...page);
      }
      ensure(
        keyOf(paged) === keyOf(expected),
        `the pages of '${source.id}' with limit ${limit} are not the whole of it, each row once and in order`,
      );
      for (const offset of [expected.length, expected.length + 1]) {
        const beyond = await rowsOf({ source: source.id, ...query, limit, offset });
        ensure(beyond.length === 0, `'${source.id}' has rows beyond its end, at offset ${offset}`);
      }
    }
  };
  const ensureOrdered = (
    rows: readonly Row[],
    column: string,
    descending: boolean,
    source: string,
  ) => {
    const values = rows.map((row) => row[column]).filter(isScalar);
    const wrong = values.findIndex(
      (value, index) =>
        index > 0 && compare(values[index - 1] ?? value, value) * (descending ? -1 : 1) > 0,
    );
    ensure(
      wrong < 0,
      `'${source}' by ${column}, ${descending ? 'descending' : 'ascending'}, is out of order at row ${wrong}`,
      { before: values[wrong - 1], after: values[wrong] },
    );
  };

  return checksOf(DataProvider, {
    'sources() lists each source once, and each of its columns': async () => {
      const listed = await client.sources();
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
      for (const { id } of await sources()) await client.query({ source: id });
    },
    'query() answers rows that have the columns of their source': async () => {
      for (const { source, rows } of await wholes()) {
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
      for (const { source, rows } of await wholes()) {
        ensure(
          keyOf(await rowsOf({ source: source.id, limit: MOST_ROWS + 1 })) === keyOf(rows),
          `two answers for '${source.id}' differ`,
        );
      }
    },
    'columns: only those that are asked for': async () => {
      for (const { source, rows } of await wholes()) {
        const names = source.columns.map(({ name }) => name);
        for (const columns of [
          ...names.map((name) => [name]),
          names.slice(1),
          names.toReversed(),
        ].filter(({ length }) => length > 0)) {
          const found = await rowsOf({ source: source.id, columns, limit: MOST_ROWS });
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
      for (const whole of await wholes()) {
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
            rowsOf(query),
            rowsOf({ ...query, columns: [other] }),
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
    ...Object.fromEntries(
      (['=', '!=', '<', '<=', '>', '>='] as const).map((operator) => [
        `where: ${operator}`,
        async () => {
          for (const whole of await wholes()) {
            for (const { name: column } of whole.source.columns) {
              const values = valuesOf(whole.rows, column);
              const chosen = new Set(
                [values[0], values[values.length >> 1], values.at(-1)].filter(isScalar),
              );
              for (const value of chosen)
                await ensureFiltered(whole, [{ column, operator, value }]);
            }
          }
        },
      ]),
    ),
    'where: in': async () => {
      for (const whole of await wholes()) {
        for (const { name: column } of whole.source.columns) {
          const values = valuesOf(whole.rows, column);
          if (values.length === 0) continue;
          const some = values.filter((_, index) => index % 2 === 0).slice(0, 5);
          for (const value of [some, values.slice(-1), []])
            await ensureFiltered(whole, [{ column, operator: 'in', value: [...value] }]);
        }
      }
    },
    'where: contains': async () => {
      for (const whole of await wholes()) {
        for (const { name: column } of whole.source.columns.filter(
          ({ type }) => type === 'string',
        )) {
          const texts = valuesOf(whole.rows, column).filter(
            (value) => typeof value === 'string' && value.length > 2,
          ) as string[];
          for (const text of new Set([texts[0], texts.at(-1)])) {
            if (text === undefined) continue;
            for (const value of [text.slice(1, -1), text.slice(-2), text])
              await ensureFiltered(whole, [{ column, operator: 'contains', value }]);
          }
          // These are literal text, not patterns.
          for (const value of ['%', '_', '.*', '('])
            await ensureFiltered(whole, [{ column, operator: 'contains', value }]);
        }
      }
    },
    'where: all conditions must hold': async () => {
      for (const whole of await wholes()) {
        for (const { name: column } of whole.source.columns) {
          const values = valuesOf(whole.rows, column);
          const [low, high] = [
            values[Math.floor(values.length / 3)],
            values[Math.floor((values.length * 2) / 3)],
          ];
          if (low === undefined || high === undefined) continue;
          await ensureFiltered(whole, [
            { column, operator: '>=', value: low },
            { column, operator: '<=', value: high },
          ]);
          await ensureFiltered(whole, [
            { column, operator: '=', value: low },
            { column, operator: '!=', value: low },
          ]);
        }
      }
    },
    ...Object.fromEntries(
      [false, true].map((descending) => [
        `orderBy: ${descending ? 'descending' : 'ascending'}`,
        async () => {
          for (const { source, rows } of await wholes()) {
            for (const { name: column } of source.columns) {
              const ordered = await rowsOf({
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
              const [first] = await rowsOf({
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
    'orderBy: the second column orders what is equal in the first': async () => {
      for (const { source } of await wholes()) {
        for (const { name: first } of source.columns) {
          for (const { name: second } of source.columns.filter(({ name }) => name !== first)) {
            for (const descending of [false, true]) {
              const rows = await rowsOf({
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
      for (const whole of await wholes()) {
        for (const { name: column } of whole.source.columns) {
          for (const descending of [false, true]) {
            const orderBy = [{ column, descending }];
            await ensurePaged(
              whole,
              { orderBy },
              await rowsOf({ source: whole.source.id, orderBy, limit: MOST_ROWS }),
            );
          }
        }
      }
    },
    'limit and offset: pages are exactly the whole': async () => {
      for (const whole of await wholes()) await ensurePaged(whole, {}, whole.rows);
    },
    'limit and offset: pages of what is chosen are exactly that': async () => {
      for (const whole of await wholes()) {
        for (const { name: column } of whole.source.columns) {
          const values = valuesOf(whole.rows, column);
          const value = values[values.length >> 1];
          if (value === undefined) continue;
          const where: Condition[] = [{ column, operator: '!=', value }];
          await ensurePaged(
            whole,
            { where },
            await rowsOf({ source: whole.source.id, where, limit: MOST_ROWS }),
          );
        }
      }
    },
    'limit: none is none, and 100 when absent': async () => {
      for (const { source, rows } of await wholes()) {
        ensure(
          (await rowsOf({ source: source.id, limit: 0 })).length === 0,
          `'${source.id}' has rows at limit 0`,
        );
        const { length } = await rowsOf({ source: source.id });
        ensure(
          length === Math.min(rows.length, DEFAULT_LIMIT),
          `'${source.id}' answers ${length} of ${rows.length} rows when no limit is given`,
        );
      }
    },
    'total: all rows that are chosen, whatever the page, when it is given': async () => {
      for (const { source, rows } of await wholes()) {
        const ensureTotal = async (query: Partial<Query>, expected: number) => {
          for (const page of [{ limit: 1 }, { limit: 1, offset: 1 }, { limit: 0 }]) {
            const { total } = await client.query({ source: source.id, ...query, ...page });
            ensure(
              total === undefined || total === expected,
              `the total of '${source.id}' should be ${expected}, not ${total}`,
              { ...page },
            );
          }
        };
        await ensureTotal({}, rows.length);
        for (const { name: column } of source.columns) {
          const value = valuesOf(rows, column)[0];
          if (value === undefined) continue;
          const where: Condition[] = [{ column, operator: '=', value }];
          await ensureTotal(
            { where },
            (await rowsOf({ source: source.id, where, limit: MOST_ROWS })).length,
          );
        }
      }
    },
    "an unknown source fails with 'unknownSource'": async () => {
      const listed = new Set((await client.sources()).map(({ id }) => id));
      for (const source of NO_SUCH)
        if (!listed.has(source))
          await ensureDeclared(client.query({ source }), 'unknownSource', { source });
    },
    "an unknown column fails with 'unknownColumn', wherever it is named": async () => {
      for (const { id: source, columns } of await sources()) {
        for (const column of NO_SUCH.filter((name) => !columns.some((one) => one.name === name))) {
          const wrong: readonly Partial<Query>[] = [
            { columns: [column] },
            { where: [{ column, operator: '=', value: 1 }] },
            { orderBy: [{ column }] },
          ];
          // These queries are wrong even without rows.
          for (const query of wrong)
            for (const limit of [1, 0])
              await ensureDeclared(client.query({ source, ...query, limit }), 'unknownColumn', {
                column,
              });
        }
      }
    },
  });
}
