/**
 * The database process. It does one piece of work at a time; the host ends it when that takes too
 * long. It ends by itself with the host.
 */
import { Worker } from 'node:worker_threads';
import { Databases } from '../sqlite/databases.js';
import type { Request } from '../sqlite/protocol.js';
import { nodeDriver } from './driver.js';

const databases = new Databases(nodeDriver);
/** Bytes that this process may take. */
const memory = Number(process.argv[2]);
/** Milliseconds after which work may have taken much memory. */
const LONG = 20;

// A statement holds this thread. The other one still sees that the host is gone, or the memory.
const watchdog = new Worker(new URL('./watchdog.js', import.meta.url), {
  workerData: { host: process.ppid, memory },
});
watchdog.unref();

process.on('message', async (request: Request | 'end') => {
  if (request === 'end') {
    databases.end();
    process.exit();
  }
  const began = performance.now();
  const reply = await databases.answer(request);
  // What one statement has left must not be held against the next.
  const full = performance.now() - began > LONG && process.memoryUsage.rss() > memory / 2;
  if (!full || !databases.idle) return void process.send?.(reply);
  databases.end();
  process.send?.({ ...reply, last: true }, () => process.exit());
});

// Signals to a group of processes are for the host to answer. This process ends with it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.on('disconnect', () => process.exit());
watchdog.once('online', () => void process.send?.('ready'));
