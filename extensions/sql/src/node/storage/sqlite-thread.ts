/** The thread that works on a SQLite file: a write waits for the disk, and must not hold the kernel up. */
import { parentPort, workerData } from 'node:worker_threads';
import { OpenFile } from './sqlite-file.js';
import type { SqliteFile, Statement } from './sqlite-protocol.js';

const file = new OpenFile(workerData as SqliteFile);
parentPort?.on('message', (statements: readonly Statement[] | 'close') => {
  if (statements !== 'close') return parentPort?.postMessage(file.run(statements));
  file.close();
  parentPort?.close();
});
