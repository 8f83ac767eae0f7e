/** The runtime under test, for suites that run in several: a browser. */
import { browserHost, indexedDBStorage } from '@plinth/host-browser';

export const runtime = 'browser' as const;
export const createHost = browserHost;
export const persistentStorage = async (name?: string) => indexedDBStorage(name ?? `plinth-${crypto.randomUUID()}`);
/** A name under which storage can be opened again. */
export const storageName = async () => `plinth-${crypto.randomUUID()}`;
