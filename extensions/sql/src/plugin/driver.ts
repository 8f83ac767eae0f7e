/** The driver of Kysely for plugins: it sends each statement to the host. */
import type { PluginContext } from '@plinth/sdk';
import type {
  CompiledQuery,
  DatabaseConnection,
  Driver,
  QueryCompiler,
  QueryResult,
  TransactionSettings,
} from 'kysely';
import { Sql, type SqlQuery, type SqlRows } from '../contract.js';
import { type Compiled, type Dialect, forPostgres } from './dialect.js';
import { toSqlValue } from './values.js';

/** The parts of a plugin's context that this needs. */
export type DatabaseContext = Pick<PluginContext, 'commands' | 'defer' | 'own'>;

type Row = Record<string, unknown>;

/** Owns the open transactions and streams of one plugin. */
export class HostDriver implements Driver {
  readonly #ctx: DatabaseContext;
  readonly #open = new Set<number>();
  #dialect: Promise<Dialect> | undefined;

  constructor(ctx: DatabaseContext) {
    this.#ctx = ctx;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<HostConnection> {
    return new HostConnection({
      execute: (command, input) => this.#execute(command, input),
      dialect: () => this.dialect(),
      open: this.#open,
    });
  }

  /** What the database of the host understands. The host is asked once. */
  dialect(): Promise<Dialect> {
    this.#dialect ??= this.#execute(Sql.dialect.id, undefined).then(
      (answer) => (answer as { readonly dialect: Dialect }).dialect,
      (error: unknown) => {
        // A host from before this question, or a right to queries alone: SQLite.
        const { code = '' } = error as { readonly code?: string };
        if (UNASKED.has(code)) return 'sqlite';
        this.#dialect = undefined;
        throw error;
      },
    );
    return this.#dialect;
  }

  async beginTransaction(
    connection: DatabaseConnection,
    { accessMode }: TransactionSettings,
  ): Promise<void> {
    await own(connection).begin(accessMode === 'read only' ? 'read' : 'write');
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await own(connection).end('commit');
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    // What has made the rollback necessary is the error to tell. The host rolls back in any case.
    await own(connection)
      .end('rollback')
      .catch(() => {});
  }

  async savepoint(
    connection: DatabaseConnection,
    name: string,
    _compile: QueryCompiler['compileQuery'],
  ): Promise<void> {
    await own(connection).run(`savepoint ${quoted(name)}`);
  }

  async rollbackToSavepoint(
    connection: DatabaseConnection,
    name: string,
    _compile: QueryCompiler['compileQuery'],
  ): Promise<void> {
    await own(connection).run(`rollback to ${quoted(name)}`);
  }

  async releaseSavepoint(
    connection: DatabaseConnection,
    name: string,
    _compile: QueryCompiler['compileQuery'],
  ): Promise<void> {
    await own(connection).run(`release ${quoted(name)}`);
  }

  async releaseConnection(connection: DatabaseConnection): Promise<void> {
    await this.rollbackTransaction(connection);
  }

  /** Rolls back what is open. */
  async destroy(): Promise<void> {
    const open = [...this.#open];
    this.#open.clear();
    await Promise.allSettled(
      open.map((lease) => this.#execute(Sql.end.id, { lease, how: 'rollback' })),
    );
  }

  /** A plugin acts for itself: its callers need no right to its database. */
  #execute(command: string, input: unknown): Promise<unknown> {
    return this.#ctx.own((as) => this.#ctx.commands.execute(command, input, as));
  }
}

const UNASKED: ReadonlySet<string> = new Set(['call/unknown-command', 'permission/denied']);

/** What a connection has of its driver. */
interface Parts {
  execute(command: string, input: unknown): Promise<unknown>;
  dialect(): Promise<Dialect>;
  readonly open: Set<number>;
}

/** What Kysely calls a connection: the place of one statement, or of one transaction. */
class HostConnection implements DatabaseConnection {
  readonly #parts: Parts;
  #lease: number | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async begin(access: 'read' | 'write'): Promise<void> {
    const { lease } = (await this.#parts.execute(Sql.begin.id, { access })) as { lease: number };
    this.#lease = lease;
    this.#parts.open.add(lease);
  }

  async end(how: 'commit' | 'rollback'): Promise<void> {
    const lease = this.#lease;
    this.#lease = undefined;
    if (lease === undefined || !this.#parts.open.delete(lease)) return;
    await this.#parts.execute(Sql.end.id, { lease, how });
  }

  async run(sql: string): Promise<void> {
    await this.#query({ sql, parameters: [] });
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const { sql, parameters } = await this.#compiled(query);
    const answer = await this.#query({ sql, parameters: parameters.map(toSqlValue) });
    return {
      rows: rowsOf(answer.columns, answer) as R[],
      ...(answer.changes !== undefined && { numAffectedRows: BigInt(answer.changes) }),
      ...(answer.insertId !== undefined && { insertId: BigInt(answer.insertId) }),
    };
  }

  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    const { sql, parameters } = await this.#compiled(query);
    const answer = await this.#query({ sql, parameters: parameters.map(toSqlValue), stream: true });
    const { columns } = answer;
    const alone = this.#lease === undefined ? answer.more?.lease : undefined;
    if (alone !== undefined) this.#parts.open.add(alone);
    let { more } = answer;
    try {
      yield { rows: rowsOf(columns, answer) as R[] };
      while (more !== undefined) {
        const part = (await this.#parts.execute(Sql.next.id, more)) as SqlRows;
        more = part.more;
        yield { rows: rowsOf(columns, part) as R[] };
      }
    } finally {
      if (more !== undefined) await this.#close(more, alone !== undefined);
      if (alone !== undefined) this.#parts.open.delete(alone);
    }
  }

  /** Queries are compiled before the dialect is known. Text is as it is: the host numbers its `?`. */
  async #compiled(query: CompiledQuery): Promise<Compiled> {
    const isText = query.query.kind === 'RawNode' && query.query.parameters.length === 0;
    if (isText || (await this.#parts.dialect()) === 'sqlite') return query;
    return forPostgres(query);
  }

  /** A reader has left the loop. A stream of its own ends whole, one of a transaction alone. */
  async #close(more: NonNullable<SqlRows['more']>, alone: boolean): Promise<void> {
    const { lease, cursor } = more;
    const input = alone ? { lease, how: 'rollback' } : { lease, cursor, how: 'close' };
    await this.#parts.execute(Sql.end.id, input).catch(() => {});
  }

  async #query(query: SqlQuery): Promise<SqlRows> {
    const lease = this.#lease;
    const input = lease === undefined ? query : { ...query, lease };
    return (await this.#parts.execute(Sql.query.id, input)) as SqlRows;
  }
}

const own = (connection: DatabaseConnection) => connection as HostConnection;

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;

function rowsOf(columns: readonly string[], { rows }: Pick<SqlRows, 'rows'>): Row[] {
  return rows.map((values) => {
    const row: Row = {};
    for (let index = 0; index < columns.length; index++) {
      const name = columns[index] as string;
      // A column of this name would set the prototype.
      if (name === '__proto__')
        Object.defineProperty(row, name, { value: values[index], enumerable: true });
      else row[name] = values[index];
    }
    return row;
  });
}
