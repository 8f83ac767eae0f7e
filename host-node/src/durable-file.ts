/**
 * Writes files completely or not at all, and reports success only when they are on disk.
 * `write-file-atomic` ignores short writes, which is how a nearly full disk answers.
 */
import { randomInt } from 'node:crypto';
import { type FileHandle, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';

/**
 * The end of a draft's name. The sweep of a folder uses it to find the drafts of a killed writer.
 */
export const DRAFT_END = /\.\d+$/;

/**
 * Writes a draft beside the file and moves it into place. The old file stays unchanged until this
 * resolves. After a failure no draft is left.
 *
 * @throws the system's error; also `ENOSPC` when the disk has taken only a part.
 */
export async function replaceFile(target: string, bytes: Uint8Array, mode: number): Promise<void> {
  const leave = await enter();
  const draft = `${target}.${randomInt(2 ** 47)}`;
  try {
    const handle = await patiently(() => open(draft, 'wx', mode), TOO_MANY_OPEN);
    try {
      await fill(handle, bytes);
    } finally {
      await handle.close();
    }
    await patiently(() => rename(draft, target));
  } catch (error) {
    await rm(draft, { force: true }).catch(() => {});
    throw error;
  } finally {
    leave();
  }
  await syncFolder(dirname(target));
}

/** Reads a whole file. */
export async function readWhole(file: string): Promise<Buffer> {
  const leave = await enter();
  try {
    return await patiently(() => readFile(file));
  } finally {
    leave();
  }
}

/** Writes all bytes to an empty file, and waits until the disk has them. */
export async function fill(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  ignoreSizeSignal();
  // A short write is retried once, because only the retry reports the reason.
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, at, bytes.length - at, at);
    if (bytesWritten === 0) break;
    at += bytesWritten;
  }
  await handle.sync();
  const { size } = await handle.stat();
  if (size !== bytes.length)
    throw Object.assign(new Error(`${size} of ${bytes.length} bytes were written`), {
      code: 'ENOSPC',
    });
}

let ignoring = false;

/**
 * A write beyond the process's file size limit fails with EFBIG and raises a signal. Node ignores
 * the signal, but `signal-exit`, which comes with `proper-lockfile`, ends the process unless there
 * is another listener.
 */
function ignoreSizeSignal(): void {
  if (ignoring) return;
  ignoring = true;
  try {
    process.on('SIGXFSZ', () => {});
  } catch {
    // Not every runtime knows this signal.
  }
}

/** Removes a file durably. A missing file is fine. */
export async function removeFile(file: string): Promise<void> {
  await patiently(() => rm(file, { force: true }));
  await syncFolder(dirname(file));
}

/** Codes of a temporary failure: too many open files. */
const TOO_MANY_OPEN: ReadonlySet<unknown> = new Set(['EMFILE', 'ENFILE', 'EAGAIN']);
/** The same, plus the codes seen while a virus scanner or a backup holds a file. */
const TEMPORARY: ReadonlySet<unknown> = new Set([...TOO_MANY_OPEN, 'EPERM', 'EACCES', 'EBUSY']);
/** Milliseconds for which a temporary failure is retried. */
const RETRY_TIME = 1_500;

/** Retries work that may fail temporarily, with growing waits. */
export async function patiently<T>(work: () => Promise<T>, passing = TEMPORARY): Promise<T> {
  const until = performance.now() + RETRY_TIME;
  for (let wait = 10; ; wait = Math.min(wait * 2, 200)) {
    try {
      return await work();
    } catch (error) {
      if (!passing.has((error as NodeJS.ErrnoException).code) || performance.now() + wait > until)
        throw error;
      await setTimeout(wait);
    }
  }
}

/**
 * Files read or written at the same time: each is open meanwhile, and a process may open only so
 * many.
 */
const AT_ONCE = 32;
let atWork = 0;
const waiting = new Set<() => void>();

async function enter(): Promise<() => void> {
  if (atWork >= AT_ONCE) await new Promise<void>((resolve) => waiting.add(resolve));
  else atWork += 1;
  return () => {
    const [next] = waiting;
    if (next === undefined) atWork -= 1;
    else {
      waiting.delete(next);
      next();
    }
  };
}

/** The running sync of a folder, and the one queued after it, which many changes share. */
const syncs = new Map<string, { readonly running: Promise<void>; next?: Promise<void> }>();

/**
 * Waits until the names in a folder are on disk. Only then is a moved file found after a power cut.
 */
function syncFolder(folder: string): Promise<void> {
  const known = syncs.get(folder);
  if (known !== undefined) {
    known.next ??= known.running.catch(() => {}).then(() => startSync(folder));
    return known.next;
  }
  return startSync(folder);
}

function startSync(folder: string): Promise<void> {
  const entry: { readonly running: Promise<void>; next?: Promise<void> } = {
    running: syncNames(folder),
  };
  syncs.set(folder, entry);
  const end = () => {
    if (syncs.get(folder) === entry && entry.next === undefined) syncs.delete(folder);
  };
  entry.running.then(end, end);
  return entry.running;
}

/**
 * Codes of systems that can't sync a folder; there the file system is responsible for its names.
 */
const NO_FOLDER_SYNC: ReadonlySet<unknown> = new Set([
  'EPERM',
  'EACCES',
  'EISDIR',
  'EINVAL',
  'ENOTSUP',
  'EBADF',
]);

async function syncNames(folder: string): Promise<void> {
  try {
    const handle = await patiently(() => open(folder, 'r'), TOO_MANY_OPEN);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!NO_FOLDER_SYNC.has((error as NodeJS.ErrnoException).code)) throw error;
  }
}

/** The meaning of a disk failure, and its cure. */
export function diskProblem(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  const known = CURES[String(code)];
  return known === undefined ? String(message) : `${known} (${code})`;
}

const CURES: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full: make room on it',
  EDQUOT: "the user's quota of the disk is used up: make room, or have it raised",
  EFBIG: 'the file would be larger than this process may write: raise its limit (ulimit -f)',
  EACCES:
    'this process has no right to: give its user the folder and its files, or choose another folder',
  EPERM:
    'this process has no right to: give its user the folder and its files, or choose another folder',
  EROFS: 'the file system is read-only: mount it writable, or choose another folder',
  ENOENT:
    'a part of the path is gone, or a link leads nowhere: make the folder, or choose another one',
  ENOTDIR: 'a part of the path is a file: choose another folder',
  EEXIST: 'a file is in its place: choose another folder',
  ELOOP: 'its links lead in a circle: choose another folder',
  ENAMETOOLONG: 'the path is too long: choose a shorter one',
  EMFILE: 'this process has too many files open: raise its limit (ulimit -n)',
  ENFILE: 'this machine has too many files open',
  EBUSY: 'another program holds it: end that program, or keep it away from the folder',
  EIO: 'the disk fails: check it, and copy the folder to another one',
};
