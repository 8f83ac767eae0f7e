/** The runtime under test, for suites that run in several: a browser. */
import { browserHost, indexedDBStorage } from '@plinth/host-browser';
import workerSource from '../../host-browser/dist/plugin-worker.js?raw';

export const runtime = 'browser' as 'node' | 'browser';
export const createHost = browserHost;
export const persistentStorage = async (name?: string) =>
  indexedDBStorage(name ?? `plinth-${crypto.randomUUID()}`);
/** A name under which storage can be opened again. */
export const storageName = async () => `plinth-${crypto.randomUUID()}`;

/**
 * A host whose guests can reach their raw port: the access of a plugin that has got around the
 * glue.
 */
export const createBreachedHost = () =>
  browserHost({
    createWorker() {
      const stash =
        'Object.rawPost = self.postMessage.bind(self); Object.rawClose = self.close.bind(self); Object.rawFetch = self.fetch.bind(self);\n';
      const url = URL.createObjectURL(new Blob([stash, workerSource], { type: 'text/javascript' }));
      return new Worker(url, { type: 'module' });
    },
  });
/** How plugin text accesses it. */
export const rawPost = 'Object.rawPost';
export const rawExit = 'Object.rawClose()';
