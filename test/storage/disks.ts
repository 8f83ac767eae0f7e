/** Folders and small disks for tests, removed after each. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';

const run = promisify(execFile);

export async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'plinth-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Whether this user may mount file systems, probed without leaving anything. */
export const mayMount: boolean = await (async () => {
  const folder = await mkdtemp(join(tmpdir(), 'plinth-mount-'));
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]);
    await run('umount', [folder]);
    return true;
  } catch {
    return false;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
})();

/** A separate small disk, unmounted after the test. */
export async function newDisk(options = 'size=8m'): Promise<string> {
  const folder = await newFolder();
  await run('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]);
  // Lazily: open files on it must not keep the test from ending.
  onTestFinished(() => void execFileSync('umount', ['-l', folder]));
  return folder;
}
