/**
 * The file system of SQLite over files that this worker has open. Several connections may use one
 * file, as in a process: readers keep their moment while another one writes.
 */
import { FileLocks } from './file-locks.js';
import type { SyncFile } from './files.js';
import type { SqliteModule } from './sqlite-module.js';

/** The name of the file system. */
export const VFS = 'plinth';

/** Result codes. */
const OK = 0;
const BUSY = 5;
const IOERR = 10;
const NOTFOUND = 12;
const FULL = 13;
const CANTOPEN = 14;
const SHORT_READ = IOERR | (2 << 8);
const NO_MEMORY = IOERR | (12 << 8);
/** Flags of a lock on the shared memory. */
const UNLOCK = 1;
const EXCLUSIVE = 8;
/** A file can't be deleted while it is open. */
const UNDELETABLE = 0x800;
const SECTOR = 4_096;
/** Milliseconds of the first of January 1970 in the count of SQLite. */
const EPOCH = 210_866_760_000_000;

interface Entry {
  readonly file: SyncFile;
  readonly locks: FileLocks;
}

/** Owns the files that SQLite may open. */
export class Files {
  readonly #entries = new Map<string, Entry>();

  /** SQLite may open the file by this path. */
  add(path: string, file: SyncFile): void {
    this.#entries.set(path, { file, locks: new FileLocks() });
  }

  /** Closes a file that no connection uses any more. */
  close(path: string): void {
    this.#entries.get(path)?.file.close();
    this.#entries.delete(path);
  }

  get(path: string): Entry | undefined {
    return this.#entries.get(path);
  }

  /** Bytes of a file. */
  size(path: string): number {
    return this.#entries.get(path)?.file.getSize() ?? 0;
  }
}

/** Makes the files known to SQLite. */
export function installVfs(sqlite: SqliteModule, files: Files): void {
  const { capi, vfs } = sqlite;
  const io = new capi.sqlite3_io_methods();
  // 2: with shared memory.
  io.$iVersion = 2;
  const opened = new Map<number, Entry>();
  vfs.installVfs({
    io: {
      struct: io,
      methods: { ...fileMethods(sqlite, opened), ...memoryMethods(sqlite, opened) },
    },
  });
  const system = new capi.sqlite3_vfs();
  system.$iVersion = 2;
  system.$szOsFile = capi.sqlite3_file.structInfo.sizeof;
  system.$mxPathname = 1_024;
  vfs.installVfs({
    vfs: {
      struct: system,
      name: VFS,
      methods: { ...systemMethods(sqlite, files, opened, io.pointer), ...clockMethods(sqlite) },
    },
  });
}

/** Does a step on a file. What throws is a code of SQLite. */
function step(work: () => number): number {
  try {
    return work();
  } catch (error) {
    return (error as DOMException).name === 'QuotaExceededError' ? FULL : IOERR;
  }
}

/** The files as a whole. A file without a byte is one that isn't there. */
function systemMethods(
  { capi, wasm }: SqliteModule,
  files: Files,
  opened: Map<number, Entry>,
  methods: number,
) {
  return {
    xOpen(_vfs: number, name: number, pointer: number, flags: number, outFlags: number): number {
      const entry = name === 0 ? undefined : files.get(wasm.cstrToJs(name));
      if (entry === undefined) return CANTOPEN;
      entry.locks.enter(pointer);
      opened.set(pointer, entry);
      const file = new capi.sqlite3_file(pointer);
      file.$pMethods = methods;
      file.dispose();
      wasm.poke32(outFlags, flags);
      return OK;
    },
    xDelete(_vfs: number, name: number): number {
      return step(() => {
        const file = files.get(wasm.cstrToJs(name))?.file;
        file?.truncate(0);
        file?.flush();
        return OK;
      });
    },
    xAccess(_vfs: number, name: number, _flags: number, out: number): number {
      return step(() => {
        wasm.poke32(out, files.size(wasm.cstrToJs(name)) > 0 ? 1 : 0);
        return OK;
      });
    },
    xFullPathname: (_vfs: number, name: number, most: number, out: number): number =>
      wasm.cstrncpy(out, name, most) < most ? OK : CANTOPEN,
  };
}

/** Time and chance. */
function clockMethods({ wasm }: SqliteModule) {
  return {
    xRandomness(_vfs: number, bytes: number, out: number): number {
      crypto.getRandomValues(wasm.heap8u().subarray(out, out + bytes) as Uint8Array<ArrayBuffer>);
      return bytes;
    },
    // A wait would hold the one thread that could end it.
    xSleep: (): number => 0,
    xCurrentTime(_vfs: number, out: number): number {
      wasm.poke(out, (EPOCH + Date.now()) / 86_400_000, 'double');
      return OK;
    },
    xCurrentTimeInt64(_vfs: number, out: number): number {
      wasm.poke(out, BigInt(EPOCH + Date.now()), 'i64');
      return OK;
    },
  };
}

/** One file. */
function fileMethods({ wasm }: SqliteModule, opened: Map<number, Entry>) {
  const of = (pointer: number): Entry => opened.get(pointer) as Entry;
  const bytes = (address: number, length: number) =>
    wasm.heap8u().subarray(address, address + length);
  return {
    xClose(pointer: number): number {
      of(pointer).locks.leave(pointer);
      opened.delete(pointer);
      return OK;
    },
    xRead: (pointer: number, into: number, length: number, at: bigint): number =>
      step(() => {
        const target = bytes(into, length);
        const read = of(pointer).file.read(target, { at: Number(at) });
        if (read === length) return OK;
        target.fill(0, read);
        return SHORT_READ;
      }),
    xWrite: (pointer: number, from: number, length: number, at: bigint): number =>
      step(() =>
        of(pointer).file.write(bytes(from, length), { at: Number(at) }) === length ? OK : FULL,
      ),
    xTruncate: (pointer: number, size: bigint): number =>
      step(() => {
        of(pointer).file.truncate(Number(size));
        return OK;
      }),
    xSync: (pointer: number): number =>
      step(() => {
        of(pointer).file.flush();
        return OK;
      }),
    xFileSize: (pointer: number, out: number): number =>
      step(() => {
        wasm.poke64(out, BigInt(of(pointer).file.getSize()));
        return OK;
      }),
    xLock: (pointer: number, level: number): number =>
      of(pointer).locks.lock(pointer, level) ? OK : BUSY,
    xUnlock(pointer: number, level: number): number {
      of(pointer).locks.unlock(pointer, level);
      return OK;
    },
    xCheckReservedLock(pointer: number, out: number): number {
      wasm.poke32(out, of(pointer).locks.reserved ? 1 : 0);
      return OK;
    },
    xFileControl: (): number => NOTFOUND,
    xSectorSize: (): number => SECTOR,
    xDeviceCharacteristics: (): number => UNDELETABLE,
  };
}

/** The index of the log of changes, which all connections to a database share. */
function memoryMethods({ wasm }: SqliteModule, opened: Map<number, Entry>) {
  const of = (pointer: number): FileLocks => (opened.get(pointer) as Entry).locks;
  return {
    xShmMap(pointer: number, part: number, size: number, extend: number, out: number): number {
      const make = () => {
        const address = wasm.alloc(size);
        wasm.heap8u().fill(0, address, address + size);
        return address;
      };
      try {
        wasm.pokePtr(out, of(pointer).map(pointer, part, extend ? make : undefined));
        return OK;
      } catch {
        return NO_MEMORY;
      }
    },
    xShmLock(pointer: number, offset: number, count: number, flags: number): number {
      const mask = (1 << (offset + count)) - (1 << offset);
      if ((flags & UNLOCK) !== 0) {
        of(pointer).unlockMemory(pointer, mask);
        return OK;
      }
      return of(pointer).lockMemory(pointer, mask, (flags & EXCLUSIVE) !== 0) ? OK : BUSY;
    },
    // One thread sees its own writes.
    xShmBarrier(): void {},
    xShmUnmap(pointer: number): number {
      of(pointer).unmap(pointer, (address) => wasm.dealloc(address));
      return OK;
    },
  };
}
