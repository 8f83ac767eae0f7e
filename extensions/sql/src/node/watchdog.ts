/** Ends the database process when its host is gone, and when a statement takes too much memory. */
import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { OUT_OF_MEMORY } from './out-of-memory.js';

const { host, memory } = workerData as { readonly host: number; readonly memory: number };

/** Milliseconds between two looks. */
const PERIOD = 100;

setInterval(() => {
  const full = process.memoryUsage.rss() > memory;
  // The host reads the reason before it sees the end.
  if (full) writeSync(2, OUT_OF_MEMORY);
  if (full || process.ppid !== host) process.kill(process.pid, 'SIGKILL');
}, PERIOD);
