/** The rows' runtime in a page. */
import { type BrowserHostOptions, browserHost } from '@plinth/host-browser';
import type { Platform, Spares } from './platform.ts';

const PRELUDE = `const listenTo = (port, listener) => { port.onmessage = (event) => listener(event.data); };
  const listen = (listener) => listenTo(self, listener);
  const post = (message) => self.postMessage(message);\n`;

let started = 0;
const NativeWorker = globalThis.Worker;
globalThis.Worker = class extends NativeWorker {
  constructor(url: string | URL, options?: WorkerOptions) {
    super(url, options);
    started += 1;
  }
};

/** An error in a worker ends the benchmark instead of leaving it waiting. */
function failWith(event: ErrorEvent): void {
  throw new Error(`a worker of the benchmark failed: ${event.message}`);
}

function startFrom(code: string, type: WorkerType): Worker {
  const url = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
  const worker = new Worker(url, { type });
  worker.addEventListener('message', () => URL.revokeObjectURL(url), { once: true });
  return worker;
}

/**
 * @param guestCode text of the file that guests boot from: the watched host needs a changed one.
 */
export function pagePlatform(crowd: number, guestCode: string): Platform {
  return {
    name: 'chromium',
    crowd,
    startWorker(code) {
      const worker = startFrom(PRELUDE + code, 'classic');
      worker.addEventListener('error', failWith);
      return {
        post: (message, transfer = []) => worker.postMessage(message, [...transfer]),
        listen: (listener) => worker.addEventListener('message', (event) => listener(event.data)),
        terminate: async () => worker.terminate(),
      };
    },
    createHost(spares) {
      const options: BrowserHostOptions & Spares = spares === undefined ? {} : { spares };
      return browserHost(options);
    },
    createWatchedHost(onWorker) {
      const options: BrowserHostOptions & Spares = {
        spares: 0,
        createWorker() {
          // Guests can't reach `close`: it is saved before it is hidden.
          const worker = startFrom(
            `Object.closeWorker = self.close.bind(self);\n${guestCode}`,
            'module',
          );
          onWorker({ terminate: () => worker.terminate() });
          return worker;
        },
      };
      return browserHost(options);
    },
    selfMadeEnds: [{ name: 'self.close', code: 'Object.closeWorker();' }],
    // A page can't read CPU time. What it times with this never waits and runs alone.
    cpuTime: () => performance.now() * 1_000,
    workersStarted: () => started,
  };
}
