/**
 * The database process. It does one piece of work at a time; the host ends it when that takes too
 * long. It ends by itself with the host.
 */
import { Worker } from 'node:worker_threads';
import { Databases } from './databases.js';
import { failureOf } from './failure.js';
import type { Reply, Request } from './protocol.js';

const databases = new Databases();
const send = (reply: Reply) => void process.send?.(reply);

// A statement holds this thread. The other one still sees that the host is gone, or the memory.
const watchdog = new Worker(new URL('./watchdog.js', import.meta.url), {
  workerData: { host: process.ppid, memory: Number(process.argv[2]) },
});
watchdog.unref();

process.on('message', async (request: Request | 'end') => {
  if (request === 'end') {
    databases.end();
    process.exit();
  }
  try {
    send({ id: request.id, value: await databases.do(request) });
  } catch (error) {
    const failure = failureOf(error);
    const { migration } = error as { readonly migration?: string };
    send({
      id: request.id,
      failure: { ...failure, ...(migration !== undefined && { migration }) },
    });
  }
});
process.on('disconnect', () => process.exit());
watchdog.once('online', () => void process.send?.('ready'));
