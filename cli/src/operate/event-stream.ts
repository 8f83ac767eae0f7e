/** Reads Server-Sent Events. What comes is of a kernel elsewhere, so that nothing of it is trusted. */

/** One event, as it was sent. */
export interface SentEvent {
  readonly event: string;
  /** Where it is in what the kernel has recorded, if it says so. */
  readonly id: string | undefined;
  readonly data: string;
}

/** Characters of an event. One of the admin API has less than a tenth. */
const MOST_EVENT = 1_048_576;

/** The stream broke, or nothing came for too long. What comes next is asked for again. */
export class StreamLost extends Error {}

/** What comes is no stream of events. */
export class NoEvents extends Error {}

/**
 * The events of a body. It ends with the body, which is cancelled when its reader leaves.
 *
 * @param silence milliseconds without anything, after which the connection counts as lost.
 * @param most characters of an event.
 * @throws StreamLost, NoEvents.
 */
export async function* eventsIn(
  body: ReadableStream<Uint8Array>,
  silence: number,
  most = MOST_EVENT,
): AsyncGenerator<SentEvent, void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  try {
    for (;;) {
      const end = text.indexOf('\n\n');
      if (end >= 0) {
        const event = eventOf(text.slice(0, end));
        text = text.slice(end + 2);
        if (event !== undefined) yield event;
        continue;
      }
      if (text.length > most) throw new NoEvents(`an event of more than ${most} bytes`);
      const part = await within(reader.read(), silence);
      if (part.done) return;
      text += decoder.decode(part.value, { stream: true });
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function eventOf(block: string): SentEvent | undefined {
  const fields = new Map<string, string>();
  for (const line of block.split('\n')) {
    const [, name = '', value = ''] = /^(event|id|data): ?(.*)$/.exec(line) ?? [];
    if (name !== '') fields.set(name, value);
  }
  const data = fields.get('data');
  // A comment shows that the connection is there.
  if (data === undefined) return undefined;
  return { event: fields.get('event') ?? 'message', id: fields.get('id'), data };
}

async function within<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new StreamLost('nothing comes any more')), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } catch (cause) {
    if (cause instanceof StreamLost) throw cause;
    throw new StreamLost((cause as Error).message, { cause });
  } finally {
    clearTimeout(timer);
  }
}
