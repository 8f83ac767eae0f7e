/**
 * Ways around the guest runtime, which hides the raw port and the means to end the thread. In Node a built-in module
 * has both. In browsers they are gone for good, so there this tampers with what the runtime itself relies on.
 */

interface NodeThreads {
  readonly parentPort: { postMessage(message: unknown): void } | null;
}
interface NodeProcess {
  readonly default: { exit(code: number): never };
}

/** A page's worker would write a failed import of a `node:` module to the console, so this looks before it asks. */
const scope = Object.getPrototypeOf(globalThis) as { readonly constructor?: { readonly name: string }; readonly postMessage?: unknown } | null;
const inNode = scope?.constructor?.name === 'Object';

/** Exit code of the thread, where there is one. */
const EXIT_CODE = 3;

/** Posts messages past the runtime; answers how many. */
export async function postRaw(messages: readonly unknown[]): Promise<number> {
  const post = await rawPost();
  if (post === undefined) return 0;
  for (const message of messages) post(message);
  return messages.length;
}

async function rawPost(): Promise<((message: unknown) => void) | undefined> {
  if (inNode) {
    const { parentPort } = (await import('node:worker_threads')) as NodeThreads;
    return parentPort === null ? undefined : (message) => parentPort.postMessage(message);
  }
  const inherited = scope?.postMessage;
  return typeof inherited === 'function' ? (message) => inherited.call(globalThis, message) : undefined;
}

/**
 * Puts slots in front of the next message of the runtime: `trigger` must make it send one. Works wherever the
 * runtime collects its message in an array, and adds a frame to it as a whole. Answers whether it did.
 */
export function smuggle(slots: readonly unknown[], trigger: () => void): boolean {
  const { push } = Array.prototype;
  let done = false;
  Array.prototype.push = function (this: unknown[], ...items: unknown[]) {
    // A head above zero begins a whole frame; slots in front of it are frames of their own.
    if (done || typeof items[0] !== 'number' || items[0] === 0) return push.apply(this, items);
    done = true;
    return push.call(this, ...slots, ...items);
  };
  try {
    trigger();
  } finally {
    Array.prototype.push = push;
  }
  return done;
}

/** Ends the thread without telling the kernel why. */
export async function endThread(): Promise<void> {
  if (inNode) ((await import('node:process')) as NodeProcess).default.exit(EXIT_CODE);
  // The runtime closes the worker after an error that nobody caught; its last words would need an array.
  setTimeout(() => {
    Array.prototype.push = () => {
      throw new Error('silence');
    };
    throw new Error('gone');
  }, 0);
}
