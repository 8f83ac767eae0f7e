/** SQLite compiled to WebAssembly, and the part of its interface that is used. */
import init from '@sqlite.org/sqlite-wasm';

/** A structure in the memory of SQLite. Its fields have a `$` before their name. */
interface Struct {
  readonly pointer: number;
  dispose(): void;
}
type Methods = Readonly<Record<string, (...values: never[]) => unknown>>;
type Make<T> = new (pointer?: number) => T & Struct;

/** What is used of the functions of SQLite. An address is a number; 0 is none. */
export interface Capi {
  readonly sqlite3_io_methods: Make<{ $iVersion: number }>;
  readonly sqlite3_vfs: Make<{ $iVersion: number; $szOsFile: number; $mxPathname: number }>;
  readonly sqlite3_file: Make<{ $pMethods: number }> & {
    readonly structInfo: { readonly sizeof: number };
  };
  sqlite3_open_v2(path: string, out: number, flags: number, vfs: string): number;
  sqlite3_close_v2(db: number): number;
  sqlite3_extended_result_codes(db: number, on: number): number;
  sqlite3_extended_errcode(db: number): number;
  sqlite3_errmsg(db: number): string;
  sqlite3_exec(db: number, sql: string, callback: 0, data: 0, error: 0): number;
  sqlite3_get_autocommit(db: number): number;
  sqlite3_limit(db: number, which: number, most: number): number;
  sqlite3_db_config(db: number, which: number, on: number, out: 0): number;
  sqlite3_set_authorizer(
    db: number,
    authorizer: (data: number, action: number, one: string | 0, two: string | 0) => number,
    data: 0,
  ): number;
  sqlite3_progress_handler(db: number, steps: number, check: () => number, data: 0): void;
  sqlite3_prepare_v3(
    db: number,
    sql: string,
    length: number,
    flags: number,
    out: number,
    tail: null,
  ): number;
  sqlite3_step(statement: number): number;
  sqlite3_reset(statement: number): number;
  sqlite3_finalize(statement: number): number;
  sqlite3_clear_bindings(statement: number): number;
  sqlite3_bind_int64(statement: number, at: number, value: bigint): number;
  sqlite3_bind_double(statement: number, at: number, value: number): number;
  sqlite3_bind_text(s: number, at: number, text: number, bytes: number, free: number): number;
  sqlite3_bind_blob(s: number, at: number, blob: number, bytes: number, free: number): number;
  sqlite3_column_count(statement: number): number;
  sqlite3_column_name(statement: number, at: number): string;
  sqlite3_column_type(statement: number, at: number): number;
  sqlite3_column_int64(statement: number, at: number): bigint;
  sqlite3_column_double(statement: number, at: number): number;
  sqlite3_column_bytes(statement: number, at: number): number;
  sqlite3_column_blob(statement: number, at: number): number;
  sqlite3_changes64(db: number): bigint;
  sqlite3_last_insert_rowid(db: number): bigint;
  sqlite3_backup_init(to: number, toName: string, from: number, fromName: string): number;
  sqlite3_backup_step(backup: number, pages: number): number;
  sqlite3_backup_finish(backup: number): number;
  /** The destructor that gives back memory of `allocFromTypedArray()`. */
  readonly SQLITE_WASM_DEALLOC: number;
}

/** SQLite and its memory. */
export interface SqliteModule {
  readonly capi: Capi;
  readonly vfs: {
    installVfs(what: {
      readonly io?: { readonly struct: Struct; readonly methods: Methods };
      readonly vfs?: {
        readonly struct: Struct;
        readonly methods: Methods;
        readonly name: string;
      };
    }): void;
  };
  readonly wasm: {
    alloc(bytes: number): number;
    dealloc(address: number): void;
    /** @throws WasmAllocError. */
    allocFromTypedArray(bytes: Uint8Array): number;
    heap8u(): Uint8Array<ArrayBuffer>;
    cstrToJs(address: number): string;
    cstrncpy(to: number, from: number, most: number): number;
    peekPtr(address: number): number;
    pokePtr(address: number, value: number): void;
    poke(address: number, value: number | bigint, type: 'double' | 'i64'): void;
    poke32(address: number, value: number): void;
    poke64(address: number, value: bigint): void;
    readonly exports: {
      sqlite3_column_text(statement: number, at: number): number;
    };
  };
}

/** Starts SQLite. Its own file systems stay away: one of them would start a worker. */
export async function loadSqlite(): Promise<SqliteModule> {
  Object.assign(globalThis, {
    sqlite3ApiConfig: {
      disable: {
        vfs: {
          kvvfs: true,
          opfs: true,
          'opfs-vfs': true,
          'opfs-wl': true,
          'opfs-sahpool': true,
        },
      },
    },
  });
  return (await init()) as unknown as SqliteModule;
}
