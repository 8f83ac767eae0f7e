/** Small things that several probes do, in whatever runtime they run. */

/** Milliseconds after which a worker is taken to say nothing any more. */
const PATIENCE = 4_000;

/** What comes first of a worker: what it posts, `error` when its host is told that it failed, `exit` when it ended, `nothing` when it hangs. */
export type Said = 'error' | 'exit' | (string & {});

interface ThreadWorker {
  on(event: string, listener: (value: unknown) => void): void;
  postMessage(message: unknown): void;
  terminate(): Promise<unknown>;
}
interface Threads {
  readonly Worker: new (code: string, options: object) => ThreadWorker;
}

/** worker_threads, where there are any; browsers reject. */
export const threads = async (): Promise<Threads> => (await importAs('node:worker_threads')) as Threads;

/** A module of the runtime; hidden from bundlers, which would put a dummy in its place. */
export const importAs = (specifier: string): Promise<unknown> => import(/* @vite-ignore */ specifier);

/** Runs a script in a thread that is sent one message. */
export async function threadSays(code: string, options: object = {}): Promise<Said> {
  const { Worker } = await threads();
  const worker = new Worker(`const { parentPort } = require('node:worker_threads'); const post = (text) => parentPort.postMessage(text); ${code}`, {
    eval: true,
    stdout: true,
    stderr: true,
    ...options,
  });
  worker.postMessage('go');
  return first(
    (say) => {
      worker.on('message', (text) => say(String(text)));
      worker.on('error', () => say('error'));
      worker.on('exit', () => say('exit'));
    },
    () => worker.terminate(),
  );
}

/** Runs a script in a worker of this runtime, thread or not. */
export function workerSays(code: string): Promise<Said> {
  if (typeof document === 'undefined') return threadSays(code);
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(`const post = (text) => self.postMessage(text); ${code}`)}`, { type: 'module' });
  return first(
    (say) => {
      worker.onmessage = ({ data }) => say(String(data));
      worker.onerror = (event) => {
        event.preventDefault();
        say('error');
      };
    },
    () => worker.terminate(),
  );
}

/** What is said first; whoever might have said it is ended. */
async function first(listen: (say: (what: Said) => void) => void, end: () => unknown): Promise<Said> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const said = await new Promise<Said>((resolve) => {
    timer = setTimeout(() => resolve('nothing'), PATIENCE);
    listen(resolve);
  });
  clearTimeout(timer);
  await end();
  return said;
}

/** What a script makes of itself: undefined where it doesn't even parse. */
export function evaluated(text: string): unknown {
  try {
    return new Function(text)();
  } catch {
    return undefined;
  }
}
