/**
 * Streams in contracts: a command takes or returns items one after another instead of one value.
 * The wire carries them with back-pressure; these schemas describe the items.
 */
import { createSharedError } from './errors.js';
import {
  describeIssues,
  type InferInput,
  type InferOutput,
  isPromiseLike,
  type Parsed,
  parseSchema,
  type Schema,
} from './schema.js';

/** A source of a stream: an async iterable (such as an async generator) or a platform stream. */
export type StreamInput<T> = AsyncIterable<T> | ReadableStream<T>;

/**
 * What a stream's reader gets. It can be read once, by one reader. Leaving the loop stops the
 * source.
 */
export interface Stream<T> extends AsyncIterable<T> {
  /** Stops the stream without reading it. */
  cancel(): Promise<void>;
}

/**
 * A stream of items, each checked against the schema when it is read.
 *
 * @example
 * tail: command({ input: v.object({ file: v.string() }), output: stream(v.string()) })
 * // in the provider
 * async *tail({ file }) { for (const line of lines(file)) yield line; }
 * // at the caller: leaving the loop stops the generator
 * for await (const line of await ctx.needs.files.tail({ file: 'a.log' })) console.log(line);
 */
export function stream<S extends Schema>(
  item: S,
): Schema<StreamInput<InferInput<S>>, Stream<InferOutput<S>>> {
  return schemaOf((source) => checked(source, item) as Stream<InferOutput<S>>, { item });
}

/**
 * A stream of byte chunks, as the `ReadableStream` of a file, request or response yields them. The
 * receiver gets a `ReadableStream` too.
 *
 * @example
 * store: command({ input: bytes(), output: v.object({ size: v.number() }) })
 * await ctx.needs.files.store(new Blob(['hello']).stream());
 */
export function bytes(): Schema<StreamInput<Uint8Array>, ReadableStream<Uint8Array>> {
  return schemaOf((source) => readable(checked(source, BYTES)), {});
}

const BYTES: Schema<unknown, Uint8Array> = {
  '~standard': {
    version: 1,
    vendor: 'plinth',
    validate: (value) =>
      value instanceof Uint8Array
        ? { value }
        : { issues: [{ message: 'a byte stream holds only Uint8Arrays' }] },
  },
};

/** @param stream what it holds, for tools that describe a contract: bytes without an item. */
function schemaOf<I, O>(
  wrap: (source: object) => O,
  stream: { readonly item?: Schema },
): Schema<I, O> & { readonly stream: { readonly item?: Schema } } {
  return {
    stream,
    '~standard': {
      version: 1,
      vendor: 'plinth',
      validate: (value) =>
        isStreamSource(value)
          ? { value: wrap(value) }
          : { issues: [{ message: 'not a stream: give an async iterable or a ReadableStream' }] },
    },
  };
}

/** Safari's ReadableStream has no async iterator, so it is read through a reader. */
interface Readable {
  getReader(): { read(): Promise<{ done: boolean; value?: unknown }>; cancel(): Promise<void> };
  cancel(): Promise<void>;
}

/**
 * Whether a value can be read as a stream: an async iterable or a platform stream, iterable or not.
 */
export function isStreamSource(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  return (
    typeof (value as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] === 'function' ||
    isReadable(value)
  );
}

function isReadable(value: object): value is Readable {
  return (
    typeof (value as Partial<Readable>).getReader === 'function' &&
    typeof (value as Partial<Readable>).cancel === 'function'
  );
}

/** Reads any source of items. */
export function iteratorOf(source: object): AsyncIterator<unknown> {
  if (!isReadable(source)) return (source as AsyncIterable<unknown>)[Symbol.asyncIterator]();
  const reader = source.getReader();
  return {
    async next() {
      const { done, value } = await reader.read();
      return done ? { done: true, value: undefined } : { done: false, value };
    },
    async return() {
      await reader.cancel();
      return { done: true, value: undefined };
    },
  };
}

/** Stops a source that was never read. */
export async function cancelSource(source: object): Promise<void> {
  const { cancel, return: finish } = source as { cancel?: () => unknown; return?: () => unknown };
  if (typeof cancel === 'function') await cancel.call(source);
  // A generator that never ran still has to be finished.
  else if (typeof finish === 'function') await finish.call(source);
}

/** Yields parsed items. The first invalid item ends the stream and stops its source. */
function checked(source: object, item: Schema): Stream<unknown> {
  let iterator: AsyncIterator<unknown> | undefined;
  const stop = async () => {
    if (iterator === undefined) await cancelSource(source);
    else await iterator.return?.();
  };
  return {
    [Symbol.asyncIterator]() {
      if (iterator !== undefined)
        throw createSharedError('stream/locked', 'a stream can be read once, by one reader');
      const reading = iteratorOf(source);
      iterator = reading;
      return {
        async next() {
          const result = await reading.next();
          if (result.done) return { done: true, value: undefined };
          const answer = parseSchema(item, result.value);
          const parsed = isPromiseLike(answer) ? await answer : (answer as Parsed<unknown>);
          if (parsed.ok) return { done: false, value: parsed.value };
          await reading.return?.();
          throw createSharedError(
            'stream/invalid-item',
            `an item of a stream is not valid, its source is at fault: ${describeIssues(parsed.issues)}`,
            {
              details: { side: 'source', issues: parsed.issues },
            },
          );
        },
        async return() {
          await reading.return?.();
          return { done: true, value: undefined };
        },
      };
    },
    cancel: stop,
  };
}

function readable(source: Stream<unknown>): ReadableStream<Uint8Array> {
  let iterator: AsyncIterator<unknown> | undefined;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        iterator ??= source[Symbol.asyncIterator]();
        const { done, value } = await iterator.next();
        if (done) controller.close();
        else controller.enqueue(value as Uint8Array);
      },
      async cancel() {
        if (iterator === undefined) await source.cancel();
        else await iterator.return?.();
      },
    },
    // Pulls nothing before the first read.
    { highWaterMark: 0 },
  );
}
