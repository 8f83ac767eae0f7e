/** The checks of `DataProvider` find the faults they are for. */
import { DataProvider } from '@plinth/sdk/contracts';
import { alternate, contractChecks, prove } from './prove.ts';
import { columns, type Parts, page, project, type Query, type Row, sound, TABLE } from './rows.ts';

const holds = (
  operator: string,
  instead: (cell: unknown, value: unknown) => boolean,
): Partial<Parts> => ({
  holds: (cell, condition) =>
    condition.operator === operator ? instead(cell, condition.value) : sound.holds(cell, condition),
});
const rows = (change: (row: Row) => Row): Partial<Parts> => ({ rows: TABLE.map(change) });
const turn = alternate(0, 1, 2, 3, 4);
const rotated = <T>(list: readonly T[], by: number) => [...list.slice(by), ...list.slice(0, by)];
const asText = (a: unknown, b: unknown) =>
  String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0;

const SOURCES = 'sources() lists each source once, and each of its columns';
const EVERY = 'query() answers for every source that is listed';
const COLUMNS = 'query() answers rows that have the columns of their source';
const ONLY = 'columns: only those that are asked for';
const OTHERS = 'columns: rows are chosen and ordered by others, too';
const ALL = 'where: all conditions must hold';
const PAGES = 'limit and offset: pages are exactly the whole';
const LIMIT = 'limit: none is none, and 100 when absent';
const TOTAL = 'total: all rows that are chosen, whatever the page, when it is given';
const SOURCE = "an unknown source fails with 'unknownSource'";
const COLUMN = "an unknown column fails with 'unknownColumn', wherever it is named";

prove<typeof DataProvider, Parts>({
  contract: DataProvider,
  implement(parts) {
    const made = { ...sound, ...parts };
    return {
      sources: () => made.sources(),
      query(query, call) {
        if (!made.hasSource(query.source)) {
          if (made.unknownSource === 'error') throw new Error(`no source ${query.source}`);
          if (made.unknownSource === 'empty') return { rows: [] };
          call.fail('unknownSource', {
            source: made.unknownSource === 'declared' ? query.source : 'source',
          });
        }
        const column = made.unknownColumn(query);
        if (column !== undefined) call.fail('unknownColumn', { column });
        const { rows: found, chosen } = made.select(made, query);
        return {
          rows: found.map((row) => ({ ...row })),
          total: made.total({ all: made.rows.length, chosen, page: found.length }),
        };
      },
    };
  },
  checks: (kernel) => contractChecks(DataProvider, kernel.client(DataProvider)),
  mutants: [
    ['no sources', { sources: () => [] }, SOURCES],
    ['a source twice', { sources: () => [...sound.sources(), ...sound.sources()] }, SOURCES],
    [
      'a column twice',
      { sources: () => [{ id: 'fruit', columns: [...columns(), ...columns()] }] },
      SOURCES,
    ],
    [
      'a column of a type of its own',
      { sources: () => [{ id: 'fruit', columns: [{ name: 'name', type: 'text' as 'string' }] }] },
      SOURCES,
    ],
    [
      'a source that cannot be asked',
      { sources: () => [...sound.sources(), { id: 'ghost', columns: columns() }] },
      EVERY,
    ],
    ['an unlisted column', rows((row) => ({ ...row, secret: 1 })), COLUMNS],
    ['numbers as texts', rows((row) => ({ ...row, weight: String(row.weight) })), COLUMNS],
    ['a listed column without values', rows(({ ripe: _, ...row }) => row), COLUMNS],
    ['dates that are none', rows((row) => ({ ...row, picked: 'soon' })), COLUMNS],
    [
      'no order of its own',
      { page: (list, query) => page(rotated(list, turn()), query) },
      'query() answers the same again',
    ],
    ['all columns, always', { project: (row) => row }, ONLY],
    [
      'other columns as null',
      {
        project: (row, names) =>
          Object.fromEntries(
            Object.keys(row).map((name) => [
              name,
              names?.includes(name) === false ? null : (row[name] ?? null),
            ]),
          ),
      },
      ONLY,
    ],
    ['only the first column', { project: (row, names) => project(row, names?.slice(0, 1)) }, ONLY],
    [
      'columns are dropped before rows are chosen',
      {
        select(parts, query) {
          const narrow = {
            ...parts,
            rows: parts.rows.map((row) => parts.project(row, query.columns)),
          };
          return sound.select(narrow, query);
        },
      },
      OTHERS,
    ],
    [
      '= is contains',
      holds('=', (cell, value) => String(cell).includes(String(value))),
      'where: =',
    ],
    ['!= is =', holds('!=', (cell, value) => cell === value), 'where: !='],
    ['!= is ignored', holds('!=', () => true), 'where: !='],
    ['< is <=', holds('<', (cell, value) => (cell as number) <= (value as number)), 'where: <'],
    ['< compares texts', holds('<', (cell, value) => asText(cell, value) < 0), 'where: <'],
    ['<= is <', holds('<=', (cell, value) => (cell as number) < (value as number)), 'where: <='],
    ['> is >=', holds('>', (cell, value) => (cell as number) >= (value as number)), 'where: >'],
    ['>= is >', holds('>=', (cell, value) => (cell as number) > (value as number)), 'where: >='],
    [
      'in sees the first value only',
      holds('in', (cell, value) => cell === (value as unknown[])[0]),
      'where: in',
    ],
    [
      'in nothing is everything',
      holds(
        'in',
        (cell, value) => (value as unknown[]).length === 0 || (value as unknown[]).includes(cell),
      ),
      'where: in',
    ],
    [
      'contains is starts with',
      holds('contains', (cell, value) => String(cell).startsWith(String(value))),
      'where: contains',
    ],
    [
      'contains takes a pattern',
      holds('contains', (cell, value) =>
        new RegExp(String(value).replace('(', '')).test(String(cell)),
      ),
      'where: contains',
    ],
    [
      'one condition is enough',
      { every: (test, where) => where.length === 0 || where.some(test) },
      ALL,
    ],
    ['only the last condition', { every: (test, where) => where.slice(-1).every(test) }, ALL],
    ['no order', { compare: () => 0 }, 'orderBy: ascending'],
    [
      'numbers are ordered as texts',
      { compare: (a, b, descending) => (descending ? -asText(a, b) : asText(a, b)) },
      'orderBy: ascending',
    ],
    [
      'rows without a value are lost in an order',
      {
        order: (list, by, compare) =>
          sound
            .order(list, by, compare)
            .filter((row) => by.every(({ column }) => row[column] !== null)),
      },
      'orderBy: ascending',
    ],
    [
      'cut before it is ordered',
      {
        select: (parts, query) =>
          sound.select(
            { ...parts, rows: query.limit === 1 ? parts.rows.slice(0, 1) : parts.rows },
            query,
          ),
      },
      'orderBy: descending',
    ],
    [
      'descending is ignored',
      { compare: (a, b) => sound.compare(a, b, false) },
      'orderBy: descending',
    ],
    [
      'only the first column counts',
      { order: (list, by, compare) => sound.order(list, by.slice(0, 1), compare) },
      'orderBy: the second column orders what is equal in the first',
    ],
    [
      'the last column counts first',
      { order: (list, by, compare) => sound.order(list, by.toReversed(), compare) },
      'orderBy: the second column orders what is equal in the first',
    ],
    [
      'equal rows change places',
      { order: (list, by, compare) => sound.order(rotated(list, turn()), by, compare) },
      'orderBy: pages are stable, also where rows are equal',
    ],
    ['offset is ignored', { page: (list, { limit }) => list.slice(0, limit) }, PAGES],
    [
      'offset counts from 1',
      { page: (list, { limit, offset }) => page(list, { limit, offset: Math.max(0, offset - 1) }) },
      PAGES,
    ],
    [
      'offset counts pages',
      { page: (list, { limit, offset }) => page(list, { limit, offset: offset * limit }) },
      PAGES,
    ],
    [
      'limit is the end',
      { page: (list, { limit, offset }) => list.slice(offset, Math.max(limit, offset)) },
      PAGES,
    ],
    [
      'the end starts again',
      { page: (list, { limit, offset }) => page(list, { limit, offset: offset % list.length }) },
      PAGES,
    ],
    [
      'no more than four rows, whatever the limit',
      { page: (list, { limit, offset }) => page(list, { limit: Math.min(limit, 4), offset }) },
      PAGES,
    ],
    [
      'pages are made before rows are chosen',
      {
        select: (parts, query) =>
          sound.select(
            { ...parts, rows: page(parts.rows, query) },
            { ...query, limit: 1e5, offset: 0 },
          ),
      },
      'limit and offset: pages of what is chosen are exactly that',
    ],
    [
      'limit 0 is no limit',
      { page: (list, { limit, offset }) => page(list, { limit: limit || 1e5, offset }) },
      LIMIT,
    ],
    [
      'more than 100 rows by default',
      {
        rows: Array.from({ length: 120 }, (_, index) => ({ ...TABLE[0], name: `n${index}` })),
        page: (list, { limit, offset }) =>
          page(list, { limit: limit === 100 ? 1e5 : limit, offset }),
      },
      LIMIT,
    ],
    ['total is the page', { total: (counts) => counts.page }, TOTAL],
    ['total is everything', { total: ({ all }) => all }, TOTAL],
    ['an unknown source is empty', { unknownSource: 'empty' }, SOURCE],
    ['an unknown source throws something else', { unknownSource: 'error' }, SOURCE],
    ['an unknown source is called by another name', { unknownSource: 'other name' }, SOURCE],
    [
      'sources are looked up with what every object has',
      { hasSource: (source) => source in { fruit: 1 } },
      SOURCE,
    ],
    ['unknown columns are ignored', { unknownColumn: () => undefined }, COLUMN],
    [
      'unknown columns are only found in conditions',
      { unknownColumn: (query) => sound.unknownColumn({ ...query, columns: [], orderBy: [] }) },
      COLUMN,
    ],
    [
      'unknown columns are only found in rows',
      {
        unknownColumn: (query: Query) =>
          query.limit === 0 ? undefined : sound.unknownColumn(query),
      },
      COLUMN,
    ],
    [
      'columns are looked up with what every object has',
      {
        unknownColumn: (query) =>
          sound.namedColumns(query).find((name) => !(name in (TABLE[0] as Row))),
      },
      COLUMN,
    ],
  ],
});
