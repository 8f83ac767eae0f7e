/** Asks a data provider, and compares what it answers with all its rows. */
import type { Client } from '../../contract/contract-types.js';
import type { DataProvider } from '../../contracts/data-provider.js';
import { ensure, keyOf } from '../check.js';
import {
  type Condition,
  compare,
  firstMissing,
  fitsAll,
  isScalar,
  type Query,
  type Row,
  type Source,
} from './rows.js';

/** Samples for the checks of a `DataProvider`. */
export interface DataProviderSamples {
  /**
   * The source to check; every listed one when absent. It needs a few rows, and no more than 10
   * 000.
   */
  readonly source?: string;
}

/** Most rows that a source may have. */
export const MOST_ROWS = 10_000;

/** A source and all its rows. */
export interface Whole {
  readonly source: Source;
  readonly rows: readonly Row[];
}

/** What the checks ask with. */
export class Probe {
  readonly client: Client<typeof DataProvider>;
  private readonly samples: DataProviderSamples;

  constructor(client: Client<typeof DataProvider>, samples: DataProviderSamples) {
    this.client = client;
    this.samples = samples;
  }

  /** The rows of one answer. */
  async rowsOf(query: Query): Promise<readonly Row[]> {
    return (await this.client.query(query)).rows;
  }

  /** The sources that are to be checked. */
  async sources(): Promise<readonly Source[]> {
    const listed = await this.client.sources();
    const chosen =
      this.samples.source === undefined
        ? listed
        : listed.filter(({ id }) => id === this.samples.source);
    ensure(
      chosen.length > 0,
      this.samples.source === undefined
        ? 'no source is listed'
        : `source '${this.samples.source}' isn't listed`,
    );
    return chosen;
  }

  /** The sources that have rows to check with, and all their rows. */
  async wholes(): Promise<readonly Whole[]> {
    const all = await Promise.all(
      (await this.sources()).map(async (source) => ({
        source,
        rows: await this.rowsOf({ source: source.id, limit: MOST_ROWS + 1 }),
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
  }

  /** Compares what is chosen with what a source that compares alike would choose. */
  async ensureFiltered({ source, rows }: Whole, where: readonly Condition[]): Promise<void> {
    const asked = where
      .map(({ column, operator, value }) => `${column} ${operator} ${keyOf(value)}`)
      .join(' and ');
    const found = await this.rowsOf({ source: source.id, where: [...where], limit: MOST_ROWS });
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
  }

  /** Reads pages until all rows must have been seen. The page after the last must be empty. */
  async ensurePaged(
    { source, rows }: Whole,
    query: Partial<Query>,
    expected: readonly Row[],
  ): Promise<void> {
    for (const limit of new Set(
      [1, 2, Math.ceil(rows.length / 3), rows.length - 1].filter(
        (size) => size >= rows.length / 40,
      ),
    )) {
      const paged: Row[] = [];
      for (let offset = 0; offset < expected.length; offset += limit) {
        const page = await this.rowsOf({ source: source.id, ...query, limit, offset });
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
        const beyond = await this.rowsOf({ source: source.id, ...query, limit, offset });
        ensure(beyond.length === 0, `'${source.id}' has rows beyond its end, at offset ${offset}`);
      }
    }
  }
}

/** Fails where two neighbours are certainly in the wrong order. */
export function ensureOrdered(
  rows: readonly Row[],
  column: string,
  descending: boolean,
  source: string,
): void {
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
}
