/** A request being served, as whoever serves it sees it. */

/** How a served request speaks to its link. */
export interface InboundWire {
  progress(sequence: number, value: unknown): void;
}

/** Something that came with a request and is let go of with it. */
interface Cancellable {
  cancel(): Promise<void>;
}

/** A request being served. */
export class Inbound {
  readonly sequence: number;
  /** When its message arrived, in milliseconds of the monotonic clock. */
  readonly received: number;
  /** Called once when the caller cancels or the link closes: cheaper than a signal. Set by whoever serves. */
  onCancel: ((reason: Error) => void) | undefined = undefined;
  /** Whether the buffers of the answer may be moved, because nobody here keeps it. Set by whoever serves. */
  moves = false;
  /** Streams of the input; they end with the call, unless its answer is a stream too. */
  streams: readonly Cancellable[] | undefined = undefined;
  /** What it is about, when it and the streams of its answer may have to end early; see `Link.endServed`. Set by whoever serves. */
  about: string | undefined = undefined;
  private readonly wire: InboundWire;
  private answered = false;
  private controller: AbortController | undefined = undefined;
  private aborted: { readonly reason: unknown } | undefined = undefined;

  constructor(wire: InboundWire, sequence: number, received: number) {
    this.wire = wire;
    this.sequence = sequence;
    this.received = received;
  }

  /** Aborts when the caller cancels or the link closes. Made when first asked for. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.aborted !== undefined) this.controller.abort(this.aborted.reason);
    }
    return this.controller.signal;
  }

  /** Says how far the call is; nothing is sent for a call that has its answer. */
  progress(value: unknown): void {
    if (!this.answered) this.wire.progress(this.sequence, value);
  }

  /** For the link: the answer is on its way. */
  end(keepsStreams: boolean): void {
    this.answered = true;
    if (this.streams !== undefined && !keepsStreams) for (const stream of this.streams) void stream.cancel();
  }

  /** For the link: nobody waits any more. */
  abort(reason: Error): void {
    this.aborted = { reason };
    this.end(false);
    this.onCancel?.(reason);
    this.controller?.abort(reason);
  }
}
