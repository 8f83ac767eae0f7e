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

/** What a page is told about its rows. */
export interface PageSettings {
  readonly crowd: number;
  readonly audience: number;
  /** Text of the file that guests boot from: the watched host needs a changed one. */
  readonly guestCode: string;
}

/** The runtime of this page. */
export function pagePlatform({ crowd, audience, guestCode }: PageSettings): Platform {
  return {
    name: 'chromium',
    crowd,
    audience,
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
    // Timers of a page are at least 4 ms apart.
    everyTick(listener) {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        listener();
        port2.postMessage(undefined);
      };
      port2.postMessage(undefined);
      return () => port1.close();
    },
  };
}
