/** One process owns a folder. A lock whose holder has died is taken over at once when that can be known. */
import { createError } from '@plinth/sdk/contract';
import { readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import lockfile from 'proper-lockfile';
import writeFileAtomic from 'write-file-atomic';

/** A held lock. */
export interface FolderLock {
  /** @throws PluginUnavailableError `storage/locked` when the lock was lost, for instance because the machine slept. */
  check(): void;
  release(): Promise<void>;
}

/** Milliseconds after which a lock that is not renewed counts as left behind. */
const STALE = 10_000;

/** Takes the lock of a folder. */
export async function lockFolder(folder: string): Promise<FolderLock> {
  // One at a time: between reading whose lock it is and replacing it, nobody else may replace it.
  const gate = join(folder, 'opening');
  const leave = await lockfile.lock(gate, {
    lockfilePath: gate,
    realpath: false,
    stale: 2_000,
    retries: { retries: 200, minTimeout: 10, maxTimeout: 50 },
    onCompromised: () => {},
  });
  try {
    return await lockAlone(folder);
  } finally {
    await leave().catch(() => {});
  }
}

async function lockAlone(folder: string): Promise<FolderLock> {
  const owner = join(folder, 'owner.json');
  let lost: Error | undefined;
  const acquire = () =>
    lockfile.lock(folder, {
      lockfilePath: join(folder, 'lock'),
      stale: STALE,
      update: STALE / 4,
      // Its default ends the process.
      onCompromised: (error) => {
        lost = error;
      },
    });
  let release: () => Promise<void>;
  try {
    release = await acquire();
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== 'ELOCKED') throw cause;
    const holder = await readOwner(owner);
    if (holder === undefined || !hasDied(holder)) {
      const who = holder === undefined ? 'another process' : `process ${holder.pid} on ${holder.host}`;
      throw createError('storage/locked', `${folder} is in use by ${who}: one process owns a data folder`, {
        details: { folder, ...(holder && { pid: holder.pid }) },
        cause,
        retryable: true,
      });
    }
    await rm(join(folder, 'lock'), { recursive: true, force: true });
    release = await acquire();
  }
  await writeFileAtomic(owner, JSON.stringify({ pid: process.pid, host: hostname() }), { mode: 0o600 });
  return {
    check() {
      if (lost !== undefined) throw createError('storage/locked', `${folder} was taken over by another process`, { details: { folder }, cause: lost });
    },
    async release() {
      await rm(owner, { force: true });
      await release().catch(() => {});
    },
  };
}

interface Owner {
  readonly pid: number;
  readonly host: string;
}

async function readOwner(file: string): Promise<Owner | undefined> {
  try {
    const { pid, host } = JSON.parse(await readFile(file, 'utf8')) as Partial<Owner>;
    return typeof pid === 'number' && typeof host === 'string' ? { pid, host } : undefined;
  } catch {
    return undefined;
  }
}

/** Only a holder on this machine can be known to be gone; any other is waited for until its lock is stale. */
function hasDied({ pid, host }: Owner): boolean {
  if (host !== hostname() || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
