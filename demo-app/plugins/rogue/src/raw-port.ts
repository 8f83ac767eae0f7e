/**
 * Ways around the guest runtime, which hides the raw port and the means to end the thread. In Node,
 * a message event exposes the port to code that has changed the shared prototype of event targets.
 * In browsers the port is unreachable, so there this tampers with built-ins that the runtime relies
 * on.
 */

interface Poster {
  postMessage(message: unknown): void;
}

const scope = Object.getPrototypeOf(globalThis) as {
  readonly constructor?: { readonly name: string };
  readonly postMessage?: unknown;
} | null;
const inNode = scope?.constructor?.name === 'Object';

let port: Poster | undefined;
if (inNode) {
  const shared = EventTarget.prototype as unknown as Record<PropertyKey, unknown>;
  for (const key of Reflect.ownKeys(shared)) {
    const original = Reflect.getOwnPropertyDescriptor(shared, key)?.value as unknown;
    if (typeof original !== 'function' || key === 'constructor') continue;
    const watching = function (this: Partial<Poster> | undefined, ...values: unknown[]) {
      if (typeof this?.postMessage === 'function') port = this as Poster;
      return Reflect.apply(original, this, values) as unknown;
    };
    // In the sandbox it is frozen, and stays as it is.
    Reflect.set(shared, key, watching);
  }
}

/** Posts messages past the runtime. Returns how many. */
export async function postRaw(messages: readonly unknown[]): Promise<number> {
  const post = await rawPost();
  if (post === undefined) return 0;
  for (const message of messages) post(message);
  return messages.length;
}

async function rawPost(): Promise<((message: unknown) => void) | undefined> {
  if (inNode) return port === undefined ? undefined : (message) => port?.postMessage(message);
  const inherited = scope?.postMessage;
  return typeof inherited === 'function'
    ? (message) => inherited.call(globalThis, message)
    : undefined;
}

/**
 * Inserts slots before the next message of the runtime; `trigger` must make it send one. Works if
 * the runtime collects its message in an array and adds whole frames to it. Returns whether it
 * worked.
 */
export function smuggle(slots: readonly unknown[], trigger: () => void): boolean {
  const { push } = Array.prototype;
  let done = false;
  const smuggling = function (this: unknown[], ...items: unknown[]) {
    // A head above zero begins a whole frame; slots in front of it are read as frames.
    if (done || typeof items[0] !== 'number' || items[0] === 0) return push.apply(this, items);
    done = true;
    return push.call(this, ...slots, ...items);
  };
  if (!Reflect.set(Array.prototype, 'push', smuggling)) return false;
  try {
    trigger();
  } finally {
    Array.prototype.push = push;
  }
  return done;
}

/** Ends the thread without giving the kernel a reason. */
export function endThread(): Promise<never> {
  // The runtime closes the worker after an uncaught error; reporting it would need an array.
  setTimeout(() => {
    Reflect.set(Array.prototype, 'push', () => {
      throw new Error('silence');
    });
    throw new Error('gone');
  }, 0);
  return new Promise(() => {});
}
