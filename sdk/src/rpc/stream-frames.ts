/** Frames of streams, in both directions. */
import { errorToWire } from '../contract/wire-error.js';
import { Kind } from './frames.js';
import type { LinkParts } from './link-parts.js';
import type { StreamWire } from './stream-wire.js';

/** How the streams of a link send. @param parts those of the link, once it has them. */
export const streamWire = (parts: () => LinkParts): StreamWire => ({
  item: (stream, value) => parts().outbox.value(Kind.item, stream, value),
  end: (stream, error) => {
    const { options, outbox, values } = parts();
    if (error !== undefined) options.onFailed?.(error, 0);
    outbox.push(
      Kind.end,
      stream,
      error === undefined ? undefined : errorToWire(error, options.stacks, values.encode),
    );
  },
  pull: (stream, items) => parts().outbox.push(Kind.pull, stream, items),
  stop: (stream) => parts().outbox.push(Kind.stop, stream),
});

/** Takes an item of a stream. False when more came than were asked for. */
export function takeItem(
  { options, values, streams }: LinkParts,
  stream: number,
  form: number,
  message: readonly unknown[],
  at: number,
): boolean {
  options.count?.();
  let value: unknown;
  try {
    value = values.read(form, message, at, undefined);
    options.admit?.(value);
  } catch (error) {
    streams.failItem(stream, error);
    return true;
  }
  return streams.takeItem(stream, value);
}

/** Takes the end of a stream, perhaps with an error. */
export function takeEnd(
  { options, values, streams }: LinkParts,
  stream: number,
  wire: unknown,
): void {
  const error = wire === undefined ? undefined : values.error(wire);
  const viewed = error === undefined ? undefined : options.view?.(error);
  if (viewed === undefined) streams.takeEnd(stream, error);
  else void viewed.then(() => streams.takeEnd(stream, error));
}
