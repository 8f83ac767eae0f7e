/** Helpers of several probes, for every runtime. */

/** Milliseconds after which a worker counts as silent. */
const PATIENCE = 4_000;

/**
 * The first event of a worker: its message, `error` when its host gets an error, `exit` when it
 * ended, `nothing` when it hangs.
 */
export type Said = 'error' | 'exit' | (string & {});

interface ThreadWorker {
  on(event: string, listener: (value: unknown) => void): void;
  postMessage(message: unknown): void;
  terminate(): Promise<unknown>;
}
interface Threads {
  readonly Worker: new (code: string, options: object) => ThreadWorker;
}

/** worker_threads, if they exist; browsers reject. */
export const threads = async (): Promise<Threads> =>
  (await importAs('node:worker_threads')) as Threads;

/** A module of the runtime. Hidden from bundlers, which would replace it by a dummy. */
export const importAs = (specifier: string): Promise<unknown> =>
  import(/* @vite-ignore */ specifier);

/** Runs a script in a thread that receives one message. */
export async function threadSays(code: string, options: object = {}): Promise<Said> {
  const { Worker } = await threads();
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads'); const post = (text) => parentPort.postMessage(text); ${code}`,
    {
      eval: true,
      stdout: true,
      stderr: true,
      ...options,
    },
  );
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
  const worker = new Worker(
    `data:text/javascript,${encodeURIComponent(`const post = (text) => self.postMessage(text); ${code}`)}`,
    { type: 'module' },
  );
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

/** The first event; the thread is ended afterwards. */
async function first(
  listen: (say: (what: Said) => void) => void,
  end: () => unknown,
): Promise<Said> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const said = await new Promise<Said>((resolve) => {
    timer = setTimeout(() => resolve('nothing'), PATIENCE);
    listen(resolve);
  });
  clearTimeout(timer);
  await end();
  return said;
}

/** The result of a script; undefined when it doesn't parse. */
export function evaluated(text: string): unknown {
  try {
    return new Function(text)();
  } catch {
    return undefined;
  }
}

/** Whether a thread receives a typed array about as fast as its buffer. */
export async function typedArraysAreFast(): Promise<boolean> {
  const { MessageChannel, receiveMessageOnPort } = (await importAs('node:worker_threads')) as {
    readonly MessageChannel: new () => {
      readonly port1: { postMessage(value: unknown): void; close(): void };
      readonly port2: object;
    };
    receiveMessageOnPort(port: object): unknown;
  };
  const time = (value: unknown) => {
    const { port1, port2 } = new MessageChannel();
    port1.postMessage(value);
    const start = performance.now();
    receiveMessageOnPort(port2);
    port1.close();
    return performance.now() - start;
  };
  const bytes = new Uint8Array(2_000_000);
  return time(bytes) < 20 * time(bytes.buffer) + 50;
}

/** The messages of a script in a frame of an opaque origin, until there are so many. */
async function frameSays(
  script: string,
  count: number,
  heard: () => void = () => {},
): Promise<readonly MessageEvent[]> {
  const frame = document.createElement('iframe');
  frame.setAttribute('sandbox', 'allow-scripts');
  frame.hidden = true;
  frame.srcdoc = `<script>${script}</script>`;
  return new Promise((resolve) => {
    const said: MessageEvent[] = [];
    const hear = (event: MessageEvent) => {
      if (event.source !== frame.contentWindow) return;
      said.push(event);
      heard();
      if (said.length < count) return;
      removeEventListener('message', hear);
      frame.remove();
      resolve(said);
    };
    addEventListener('message', hear);
    document.body.append(frame);
  });
}

/** Whether a frame can be isolated from the origin of its page. */
export const frameIsWalled = async (): Promise<boolean> =>
  (await frameSays("parent.postMessage('probe', '*')", 1))[0]?.origin === 'null';

/** Whether the timers of a page go on while a frame is busy for a second. */
export async function frameHasThread(): Promise<boolean> {
  let ticks = 0;
  let timer: ReturnType<typeof setInterval> | undefined;
  await frameSays(
    `const say = () => parent.postMessage('probe', '*'); say();
     setTimeout(() => { const end = Date.now() + 1_000; while (Date.now() < end); say(); }, 0);`,
    2,
    () => {
      timer ??= setInterval(() => {
        ticks += 1;
      }, 20);
    },
  );
  clearInterval(timer);
  return ticks > 4;
}
