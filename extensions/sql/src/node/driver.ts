/** SQLite as Node has it, and files of its file system. */
import { rmSync, statSync } from 'node:fs';
import { backup, DatabaseSync } from 'node:sqlite';
import { CONNECTION_LIMITS, type Driver } from '../sqlite/driver.js';

/** Pages that are copied at once: all, so that a copy is of one moment. */
const ALL = 1_000_000_000;

/** The driver of the database process. */
export const nodeDriver: Driver = {
  open: (path) =>
    new DatabaseSync(path, {
      allowExtension: false,
      defensive: true,
      enableDoubleQuotedStringLiterals: false,
      // A wait would hold the statements of all. The host waits instead.
      timeout: 0,
      limits: CONNECTION_LIMITS,
    }),
  // They are collected.
  free() {},
  logSize: (path) => statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0,
  remove: async (path) => removeFiles(path),
  leave() {},
  async copy(from, to) {
    removeFiles(to);
    await backup(from as DatabaseSync, to, { rate: ALL });
    const copied = new DatabaseSync(to, { limits: { attach: 0 } });
    try {
      copied.exec('pragma journal_mode=delete');
    } finally {
      copied.close();
    }
  },
  async read(path, work) {
    const copy = new DatabaseSync(path, { readOnly: true, defensive: true, timeout: 0 });
    try {
      await work(copy);
    } finally {
      copy.close();
    }
  },
  async overwrite(from, path) {
    await backup(from as DatabaseSync, path, { rate: ALL });
  },
};

/** Deletes a database and the files beside it. */
function removeFiles(path: string): void {
  for (const end of ['', '-wal', '-shm', '-journal']) rmSync(path + end, { force: true });
}
