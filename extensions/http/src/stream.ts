/** A streamed body of a plugin: read part by part, as fast as the client takes it. */

/** What a stream has beside its source. */
export interface StreamParts {
  /** Milliseconds that a part may take to come, and then to be taken by the client. */
  readonly timeout: number;
  /** Bytes of one part. */
  readonly most: number;
  /** Cuts the connection, where a server can. */
  readonly cut?: (() => void) | undefined;
  /** Called once, when nothing more is sent, for any reason. */
  ended(): void;
}

/**
 * Makes the body. A source that fails, is late or yields something else breaks the response, so that
 * a client never takes a part for the whole. A client that goes away stops the source.
 */
export function streamOf(
  source: AsyncIterable<unknown>,
  { timeout, most, cut, ended }: StreamParts,
): ReadableStream<Uint8Array> {
  const parts = source[Symbol.asyncIterator]();
  let untaken: ReturnType<typeof setTimeout> | undefined;
  const stop = () => {
    clearTimeout(untaken);
    ended();
    Promise.resolve(parts.return?.()).catch(() => {});
  };
  const breakOff = (controller: ReadableStreamDefaultController<Uint8Array>) => {
    stop();
    if (cut === undefined)
      return controller.error(new Error('the plugin did not finish its answer'));
    cut();
    controller.close();
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        clearTimeout(untaken);
        try {
          const { done, value } = await inTime(parts.next(), timeout);
          if (done === true) {
            ended();
            controller.close();
            return;
          }
          controller.enqueue(bytesOf(value, most));
          untaken = setTimeout(() => breakOff(controller), timeout);
        } catch {
          breakOff(controller);
        }
      },
      cancel: stop,
    },
    { highWaterMark: 0 },
  );
}

/** A part as bytes. @throws TypeError for what is no text and no bytes, or too large. */
export function bytesOf(part: unknown, most: number): Uint8Array {
  const bytes = typeof part === 'string' ? new TextEncoder().encode(part) : part;
  if (!(bytes instanceof Uint8Array) || bytes.byteLength > most)
    throw new TypeError('a part is a text or bytes, and bounded');
  return bytes;
}

/** Rejects when a promise takes longer, with what `late` makes. */
export function inTime<T>(
  work: PromiseLike<T>,
  milliseconds: number,
  late: () => Error = () => new Error('it took too long'),
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), milliseconds);
    work.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
