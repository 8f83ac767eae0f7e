/** The runtime under test, for suites that run in several: Node. */
import { fileStorage, nodeHost } from '@plinth/host-node';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const runtime = 'node' as const;
export const createHost = nodeHost;
export const persistentStorage = async (name?: string) => fileStorage(name ?? (await mkdtemp(join(tmpdir(), 'plinth-'))));
/** A name under which storage can be opened again. */
export const storageName = () => mkdtemp(join(tmpdir(), 'plinth-'));

/** A host whose guests can reach their raw port; in Node every worker can, by importing it. */
export const createBreachedHost = nodeHost;
/** How plugin text gets at them. */
export const rawPost = "((port) => (message) => port.postMessage(message))((await import('node:worker_threads')).parentPort)";
export const rawExit = "(await import('node:process')).default.exit(7)";
