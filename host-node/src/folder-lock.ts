/**
 * Makes one process own a folder. The lock of a dead holder is taken over at once when its death
 * can be known.
 *
 * A process id is not enough: the same number comes back in the next container, and means another
 * process in another one. So the holder listens on a socket in the folder. The system closes it
 * when the process ends for any reason, and every process of the machine that reaches the folder
 * can connect to it. Where there are no such sockets, and on other machines, the lock's heartbeat
 * decides.
 */

import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { lstat, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { createError } from '@plinth/sdk/contract';
import lockfile from 'proper-lockfile';
import { replaceFile } from './durable-file.js';

/** A held lock. */
export interface FolderLock {
  /**
   * Whether it is still held. `late`: its heartbeat has stopped, for example while the disk was
   * read-only. `lost`: the folder was deleted, or another process has taken the lock after a long
   * silence.
   */
  state(): Promise<'held' | 'late' | 'lost'>;
  /** Releases the folder. Does nothing to another process's lock. */
  release(): Promise<void>;
}

/** Milliseconds after which a lock that is not renewed counts as abandoned. */
const STALE = 10_000;
/** Milliseconds to wait for other processes that are opening the folder. */
const OPEN_TIMEOUT = 10_000;

/**
 * Acquires the lock of a folder.
 *
 * @throws PluginUnavailableError `storage/locked` while another process holds it; the system's
 * error when the folder can't be used.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  // One process at a time: the lock must not be replaced between reading its owner and replacing
  // it.
  const leave = await enterGate(folder);
  try {
    return await lockAlone(folder);
  } finally {
    await leave().catch(() => {});
  }
}

async function enterGate(folder: string): Promise<() => Promise<void>> {
  const gate = join(folder, 'opening');
  const until = performance.now() + OPEN_TIMEOUT;
  for (;;) {
    try {
      return await lockfile.lock(gate, {
        lockfilePath: gate,
        realpath: false,
        stale: 2_000,
        onCompromised: () => {},
      });
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ELOCKED') throw cause;
      if (performance.now() > until) throw inUse(folder, undefined, cause);
      await setTimeout(10 + Math.random() * 40);
    }
  }
}

async function lockAlone(folder: string): Promise<FolderLock> {
  const record = join(folder, 'owner.json');
  const lock = join(folder, 'lock');
  const holder = await readOwner(record);
  const alive = holder === undefined ? undefined : await isAlive(folder, holder);
  // A live holder is asked; its lock isn't taken over after a long silence, because its thread may
  // only be busy.
  if (alive === true) throw inUse(folder, holder);
  if (alive === false) await rm(lock, { recursive: true, force: true });
  const beat = { stopped: false };
  let unlock: () => Promise<void>;
  try {
    unlock = await lockfile.lock(folder, {
      lockfilePath: lock,
      realpath: false,
      stale: STALE,
      update: STALE / 4,
      // The default handler ends the process.
      onCompromised: () => {
        beat.stopped = true;
      },
    });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ELOCKED') throw inUse(folder, holder, cause);
    throw cause;
  }
  // Each owner removes the marks of earlier ones. As long as this mark exists, the folder is the
  // same and has no other owner.
  const mark = `${randomUUID()}.alive`;
  let server: Server | undefined;
  const release = async () => {
    const lost = !(await exists(join(folder, mark)));
    await new Promise<void>((resolve) =>
      server === undefined ? resolve() : server.close(() => resolve()),
    );
    await rm(join(folder, mark), { force: true });
    // What is there now belongs to another owner.
    if (lost && (await exists(lock))) return;
    await rm(record, { force: true });
    await unlock().catch(() => {});
    // The call above doesn't remove a lock whose heartbeat has stopped.
    await rm(lock, { recursive: true, force: true });
  };
  try {
    await sweepMarks(folder);
    server = await listen(folder, mark);
    if (!(await exists(join(folder, mark))))
      await writeFile(join(folder, mark), '', { mode: 0o600 });
    const owner: Owner = {
      pid: process.pid,
      host: hostname(),
      machine: MACHINE,
      pids: PIDS,
      ...(server !== undefined && { mark }),
    };
    await replaceFile(record, Buffer.from(JSON.stringify(owner)), 0o600);
  } catch (error) {
    await release();
    throw error;
  }
  return {
    async state() {
      if (!(await exists(join(folder, mark)))) return 'lost';
      return beat.stopped ? 'late' : 'held';
    },
    release,
  };
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(String((error as NodeJS.ErrnoException).code))) return false;
    throw error;
  }
}

function inUse(folder: string, holder: Owner | undefined, cause?: unknown): Error {
  const who = holder === undefined ? 'another process' : `process ${holder.pid} on ${holder.host}`;
  return createError(
    'storage/locked',
    `${folder} is in use by ${who}: one process owns a data folder. End that process, or choose another folder`,
    {
      details: { folder, ...(holder && { pid: holder.pid, host: holder.host }) },
      ...(cause !== undefined && { cause }),
      retryable: true,
    },
  );
}

/** The owner of a folder. Earlier versions wrote only the first two fields. */
interface Owner {
  readonly pid: number;
  readonly host: string;
  /** Identifies this boot of the machine. */
  readonly machine?: string;
  /** Identifies the namespace in which process ids are valid. */
  readonly pids?: string;
  /** Name of the socket that lives as long as the holder. */
  readonly mark?: string;
}

async function readOwner(file: string): Promise<Owner | undefined> {
  try {
    const owner = JSON.parse(await readFile(file, 'utf8')) as Partial<Owner>;
    return typeof owner.pid === 'number' && typeof owner.host === 'string'
      ? (owner as Owner)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a holder lives; undefined when that can't be known from here. */
async function isAlive(folder: string, owner: Owner): Promise<boolean | undefined> {
  if (owner.machine === undefined ? owner.host !== hostname() : owner.machine !== MACHINE)
    return undefined;
  if (typeof owner.mark === 'string' && MARK.test(owner.mark)) return asks(folder, owner.mark);
  if (owner.pid === process.pid || (owner.pids ?? PIDS) !== PIDS) return undefined;
  try {
    process.kill(owner.pid, 0);
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH' ? false : undefined;
  }
}

const MARK = /^[0-9a-f-]{36}\.alive$/;

/**
 * Containers of one machine share this, whatever their host names. Other machines and later boots
 * differ.
 */
const MACHINE =
  readSystem(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()) || hostname();
const PIDS = readSystem(() => readlinkSync('/proc/self/ns/pid'));

function readSystem(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}

/** Undefined where there are no such sockets; the heartbeat decides there. */
function listen(folder: string, mark: string): Promise<Server | undefined> {
  return atSocket(
    folder,
    mark,
    (path) =>
      new Promise<Server | undefined>((resolve) => {
        const server = createServer((socket) => socket.destroy());
        server.on('error', () => resolve(undefined));
        server.listen(path, () => resolve(server));
        server.unref();
      }),
  );
}

function asks(folder: string, mark: string): Promise<boolean | undefined> {
  return atSocket(
    folder,
    mark,
    (path) =>
      new Promise<boolean | undefined>((resolve) => {
        const socket = connect(path);
        const end = (answer: boolean | undefined) => {
          socket.destroy();
          resolve(answer);
        };
        socket.once('connect', () => end(true));
        socket.once('error', ({ code }: NodeJS.ErrnoException) =>
          end(code === 'ECONNREFUSED' || (code === 'ENOENT' && IS_WINDOWS) ? false : undefined),
        );
      }),
  );
}

const IS_WINDOWS = process.platform === 'win32';
/** Longest path in bytes that every system accepts for a socket. */
const MAX_SOCKET_PATH = 100;

/** The path of a folder's socket. A folder with a longer path is reached through a link. */
async function atSocket<T>(
  folder: string,
  mark: string,
  use: (path: string) => Promise<T>,
): Promise<T | undefined> {
  if (IS_WINDOWS) return use(`\\\\.\\pipe\\plinth-${mark}`);
  const path = join(folder, mark);
  if (Buffer.byteLength(path) <= MAX_SOCKET_PATH) return use(path);
  let aside: string;
  try {
    aside = await mkdtemp(join(tmpdir(), 'plinth-'));
  } catch {
    return undefined;
  }
  try {
    await symlink(folder, join(aside, 'd'));
    return await use(join(aside, 'd', mark));
  } catch {
    return undefined;
  } finally {
    await rm(aside, { recursive: true, force: true }).catch(() => {});
  }
}

/** Removes sockets of dead holders. */
async function sweepMarks(folder: string): Promise<void> {
  for (const name of await readdir(folder))
    if (MARK.test(name)) await rm(join(folder, name), { force: true });
}
