/** A database of SQLite in WebAssembly, in the shape of `node:sqlite`. */
import type { SqlValue } from '../contract.js';
import {
  type Authorizer,
  CONNECTION_LIMITS,
  type SqliteDatabase,
  type SqliteStatement,
} from '../sqlite/driver.js';
import type { SqliteModule } from './sqlite-module.js';
import { VFS } from './vfs.js';

/** How a database is opened: to be changed, or read alone. */
export type Access = 'write' | 'read';

const FLAGS: Readonly<Record<Access, number>> = { read: 1, write: 2 | 4 };
const NO_MEMORY = 7;
const ROW = 100;
const DONE = 101;
/** Kinds of values. */
const [INTEGER, FLOAT, TEXT, BLOB] = [1, 2, 3, 4];
/** Bounds, and switches, by the numbers of SQLite. */
const LIMITS = [
  [0, CONNECTION_LIMITS.length],
  [3, CONNECTION_LIMITS.exprDepth],
  [4, CONNECTION_LIMITS.compoundSelect],
  [7, CONNECTION_LIMITS.attach],
] as const;
const [DEFENSIVE, QUOTES_IN_QUERIES, QUOTES_IN_SCHEMAS] = [1_010, 1_013, 1_014];
/** Steps of a statement between two looks at the clock. */
const STEPS = 20_000;

/** A failure of SQLite, as that of Node has it. */
export class SqliteError extends Error {
  readonly errcode: number;

  constructor(errcode: number, message: string) {
    super(message);
    this.errcode = errcode;
  }
}

/** Owns an open database, and its statements. */
export class WasmDatabase implements SqliteDatabase {
  readonly pointer: number;
  readonly #sqlite: SqliteModule;
  readonly #statements = new Set<WasmStatement>();

  /** @param late whether the work in progress has had its time. */
  constructor(sqlite: SqliteModule, path: string, access: Access, late: () => boolean) {
    const { capi } = sqlite;
    this.#sqlite = sqlite;
    let code = 0;
    this.pointer = atAddress(sqlite, (out) => {
      code = capi.sqlite3_open_v2(path, out, FLAGS[access], VFS);
    });
    try {
      this.check(code);
      capi.sqlite3_extended_result_codes(this.pointer, 1);
      for (const [which, most] of LIMITS) capi.sqlite3_limit(this.pointer, which, most);
      for (const which of [QUOTES_IN_QUERIES, QUOTES_IN_SCHEMAS])
        this.check(capi.sqlite3_db_config(this.pointer, which, 0, 0));
      this.check(capi.sqlite3_db_config(this.pointer, DEFENSIVE, 1, 0));
      capi.sqlite3_progress_handler(this.pointer, STEPS, () => (late() ? 1 : 0), 0);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  get isTransaction(): boolean {
    return this.#sqlite.capi.sqlite3_get_autocommit(this.pointer) === 0;
  }

  exec(sql: string): void {
    this.check(this.#sqlite.capi.sqlite3_exec(this.pointer, sql, 0, 0, 0));
  }

  prepare(sql: string): WasmStatement {
    const { capi } = this.#sqlite;
    let code = 0;
    const pointer = atAddress(this.#sqlite, (out) => {
      code = capi.sqlite3_prepare_v3(this.pointer, sql, -1, 0, out, null);
    });
    this.check(code);
    if (pointer === 0) throw new SqliteError(1, 'there is no statement');
    const made = new WasmStatement(this.#sqlite, this, pointer);
    this.#statements.add(made);
    return made;
  }

  setAuthorizer(authorizer: Authorizer): void {
    const text = (value: unknown) => (typeof value === 'string' ? value : null);
    this.check(
      this.#sqlite.capi.sqlite3_set_authorizer(
        this.pointer,
        (_data, action, one, two) => authorizer(action, text(one), text(two)),
        0,
      ),
    );
  }

  free(statement: WasmStatement): void {
    if (this.#statements.delete(statement)) this.#sqlite.capi.sqlite3_finalize(statement.pointer);
  }

  close(): void {
    for (const statement of [...this.#statements]) this.free(statement);
    if (this.pointer !== 0) this.#sqlite.capi.sqlite3_close_v2(this.pointer);
  }

  /** @throws SqliteError for a code that is none of success. */
  check(code: number): void {
    if (code === 0) return;
    const { capi } = this.#sqlite;
    if (this.pointer === 0) throw new SqliteError(NO_MEMORY, 'out of memory');
    throw new SqliteError(
      capi.sqlite3_extended_errcode(this.pointer) || code,
      capi.sqlite3_errmsg(this.pointer),
    );
  }
}

/** A statement. It belongs to its database, which frees it at the latest when it is closed. */
export class WasmStatement implements SqliteStatement {
  readonly pointer: number;
  readonly database: WasmDatabase;
  readonly #sqlite: SqliteModule;
  #arrays = false;

  constructor(sqlite: SqliteModule, database: WasmDatabase, pointer: number) {
    this.#sqlite = sqlite;
    this.database = database;
    this.pointer = pointer;
  }

  columns(): readonly { readonly name: string }[] {
    const { capi } = this.#sqlite;
    const count = capi.sqlite3_column_count(this.pointer);
    return Array.from({ length: count }, (_, at) => ({
      name: capi.sqlite3_column_name(this.pointer, at),
    }));
  }

  run(...values: SqlValue[]): { readonly changes: bigint; readonly lastInsertRowid: bigint } {
    const { capi } = this.#sqlite;
    for (const _ of this.iterate(...values));
    return {
      changes: capi.sqlite3_changes64(this.database.pointer),
      lastInsertRowid: capi.sqlite3_last_insert_rowid(this.database.pointer),
    };
  }

  *iterate(...values: SqlValue[]): Generator<unknown> {
    const { capi } = this.#sqlite;
    try {
      this.#bind(values);
      for (;;) {
        const code = capi.sqlite3_step(this.pointer);
        if (code === DONE) return;
        if (code !== ROW) this.database.check(code);
        yield this.#row();
      }
    } finally {
      capi.sqlite3_reset(this.pointer);
      capi.sqlite3_clear_bindings(this.pointer);
    }
  }

  all(...values: SqlValue[]): unknown[] {
    return [...this.iterate(...values)];
  }

  // They are numbers where those are exact, which is what reading them makes of bigints, too.
  setReadBigInts(): void {}

  setReturnArrays(on: boolean): void {
    this.#arrays = on;
  }

  #bind(values: readonly SqlValue[]): void {
    const { capi, wasm } = this.#sqlite;
    const { SQLITE_WASM_DEALLOC: free } = capi;
    for (const [index, value] of values.entries()) {
      const at = index + 1;
      let code: number;
      // It is null without a value.
      if (value === null) continue;
      if (typeof value === 'bigint') code = capi.sqlite3_bind_int64(this.pointer, at, value);
      else if (typeof value === 'number') code = capi.sqlite3_bind_double(this.pointer, at, value);
      else {
        const bytes = typeof value === 'string' ? ENCODER.encode(value) : value;
        const address = inMemory(() => wasm.allocFromTypedArray(bytes));
        const bind = typeof value === 'string' ? 'sqlite3_bind_text' : 'sqlite3_bind_blob';
        code = capi[bind](this.pointer, at, address, bytes.byteLength, free);
      }
      this.database.check(code);
    }
  }

  #row(): unknown {
    const { capi } = this.#sqlite;
    const count = capi.sqlite3_column_count(this.pointer);
    const values = Array.from({ length: count }, (_, at) => this.#value(at));
    if (this.#arrays) return values;
    return Object.fromEntries(this.columns().map(({ name }, at) => [name, values[at]]));
  }

  #value(at: number): SqlValue {
    const { capi, wasm } = this.#sqlite;
    const { pointer } = this;
    switch (capi.sqlite3_column_type(pointer, at)) {
      case INTEGER: {
        const value = capi.sqlite3_column_int64(pointer, at);
        const number = Number(value);
        return Number.isSafeInteger(number) ? number : value;
      }
      case FLOAT:
        return capi.sqlite3_column_double(pointer, at);
      case TEXT: {
        // First the address: asking for it is what may convert the text.
        const address = wasm.exports.sqlite3_column_text(pointer, at);
        return DECODER.decode(this.#bytes(address, at));
      }
      case BLOB:
        return this.#bytes(capi.sqlite3_column_blob(pointer, at), at).slice();
      default:
        return null;
    }
  }

  #bytes(address: number, at: number): Uint8Array<ArrayBuffer> {
    const { capi, wasm } = this.#sqlite;
    const length = capi.sqlite3_column_bytes(this.pointer, at);
    return wasm.heap8u().subarray(address, address + length);
  }
}

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder('utf-8', { ignoreBOM: true });

/** Takes memory. @throws SqliteError where there is no more. */
function inMemory(take: () => number): number {
  try {
    return take();
  } catch {
    throw new SqliteError(NO_MEMORY, 'out of memory');
  }
}

/** What is written to a new address. */
function atAddress({ wasm }: SqliteModule, write: (address: number) => void): number {
  const address = inMemory(() => wasm.alloc(8));
  try {
    wasm.pokePtr(address, 0);
    write(address);
    return wasm.peekPtr(address);
  } finally {
    wasm.dealloc(address);
  }
}
