/** Reads Server-Sent Events of a response. */

/** One event. */
export interface SentEvent {
  readonly id?: string;
  readonly event: string;
  readonly data: unknown;
}

/** A stream of events that is read one by one. */
export interface SentEvents {
  next(): Promise<SentEvent>;
  /** Reads up to the next event of this name, or the next one of any. */
  until(event?: string): Promise<readonly SentEvent[]>;
  cancel(): Promise<void>;
}

/** Reads the events of a response. */
export async function eventsOf(response: Response): Promise<SentEvents> {
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let text = '';
  const next = async (): Promise<SentEvent> => {
    for (;;) {
      const end = text.indexOf('\n\n');
      if (end >= 0) {
        const block = text.slice(0, end);
        text = text.slice(end + 2);
        const field = (name: string) =>
          new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? undefined;
        const data = field('data');
        if (data === undefined) continue;
        const id = field('id');
        return {
          ...(id !== undefined && { id }),
          event: field('event') ?? '',
          data: JSON.parse(data),
        };
      }
      const { done, value } = await reader.read();
      if (done) throw new Error('the stream has ended');
      text += decoder.decode(value, { stream: true });
    }
  };
  return {
    next,
    async until(event) {
      const found: SentEvent[] = [];
      for (;;) {
        const one = await next();
        found.push(one);
        if (event === undefined || one.event === event) return found;
      }
    },
    cancel: () => reader.cancel(),
  };
}
