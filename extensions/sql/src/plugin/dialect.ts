/** What differs between the databases that a host may have, for Kysely. */
import {
  type CompiledQuery,
  type DatabaseIntrospector,
  type Kysely,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type SchemaMetadata,
  SqliteIntrospector,
  type TableMetadata,
} from 'kysely';

/** The SQL that the database understands. */
export type Dialect = 'sqlite' | 'postgres';

/** A statement as it is sent. */
export type Compiled = Pick<CompiledQuery, 'sql' | 'parameters'>;

/** The list of migrations is the kernel's: a table of SQLite, and a view of PostgreSQL. */
const KERNELS = '_plinth_migrations';

/** The same query for PostgreSQL. */
export function forPostgres({ query, queryId }: CompiledQuery): Compiled {
  return new PostgresQueryCompiler().compileQuery(query, queryId);
}

/** The tables of the plugin, in either database. */
export class Introspector implements DatabaseIntrospector {
  readonly #db: Kysely<unknown>;
  readonly #dialect: () => Promise<Dialect>;

  constructor(db: Kysely<unknown>, dialect: () => Promise<Dialect>) {
    this.#db = db;
    this.#dialect = dialect;
  }

  async getSchemas(): Promise<SchemaMetadata[]> {
    if ((await this.#dialect()) === 'sqlite') return new SqliteIntrospector(this.#db).getSchemas();
    return [{ name: await this.#schema() }];
  }

  async getTables(options = { withInternalKyselyTables: false }): Promise<TableMetadata[]> {
    if ((await this.#dialect()) === 'sqlite') {
      const all = await new SqliteIntrospector(this.#db).getTables(options);
      return all.filter(({ name }) => name !== KERNELS);
    }
    const own = await this.#schema();
    const tables = await new PostgresIntrospector(this.#db).getTables(options);
    return tables
      .filter(({ name, schema }) => schema === own && name !== KERNELS)
      .map(({ columns, ...table }) => ({
        ...table,
        // Booleans of the database are 1 and 0.
        columns: columns.map((column) => ({
          ...column,
          hasDefaultValue: Boolean(column.hasDefaultValue),
        })),
      }));
  }

  async #schema(): Promise<string> {
    const { name } = await this.#db
      .selectNoFrom((make) => make.fn<string>('current_schema', []).as('name'))
      .executeTakeFirstOrThrow();
    return name;
  }
}
