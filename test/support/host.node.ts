/** The runtime under test, for suites that run in several: Node. */

import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { fileStorage, nodeHost } from '@plinth/host-node';

export const runtime = 'node' as 'node' | 'browser';
export const createHost = nodeHost;
export const persistentStorage = async (name?: string) =>
  fileStorage(name ?? (await mkdtemp(join(tmpdir(), 'plinth-'))));
/** A name under which storage can be opened again. */
export const storageName = () => mkdtemp(join(tmpdir(), 'plinth-'));

const guest = fileURLToPath(new URL('../../host-node/dist/plugin-worker.cjs', import.meta.url));

/** In Deno, `process.exit` looks for a global that guests don't have. */
const stash =
  "Object.rawThreads = require('node:worker_threads'); Object.rawProcess = process; Object.rawExit = globalThis.Deno?.exit ?? process.exit.bind(process);";

/**
 * A host whose guests can reach their raw port and end themselves: the access of a plugin that has
 * got around the glue.
 */
export const createBreachedHost = () =>
  nodeHost({
    createWorker: (settings) =>
      new Worker(`${stash} require(${JSON.stringify(guest)});`, { ...settings, eval: true }),
  });
/** How plugin text accesses it. */
export const rawPost =
  '((port) => (message) => port.postMessage(message))(Object.rawThreads.parentPort)';
export const rawExit = 'Object.rawExit(7)';
