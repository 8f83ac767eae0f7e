/** A request that is being served, as its server sees it. */

/** How a served request speaks to its link. */
export interface InboundWire {
  progress(sequence: number, value: unknown): void;
  /** Whether one of these streams is still sent from this side. */
  feeds(streams: readonly number[]): boolean;
}

/** Something that came with a request and is released with it. */
interface Cancellable {
  cancel(): Promise<void>;
}

/** A request being served. */
export class Inbound {
  readonly sequence: number;
  /** When its message arrived, in milliseconds of the monotonic clock. */
  readonly received: number;
  /**
   * Called once when the caller cancels or the link closes; cheaper than a signal. Set by the
   * server.
   */
  onCancel: ((reason: Error) => void) | undefined = undefined;
  /**
   * Whether the answer's buffers may be moved, because this side doesn't keep them. Set by the
   * server.
   */
  moves = false;
  /** Streams of the input. They end with the call, unless its answer is a stream too. */
  streams: readonly Cancellable[] | undefined = undefined;
  /**
   * What the request is about, if it and the streams of its answer may have to end early; see
   * `Link.endServed`. Set by the server.
   */
  about: string | undefined = undefined;
  /**
   * The handler's view of the call; sources of the answer's streams run for it too. Set by the
   * server.
   */
  call: unknown = undefined;
  /** Streams of its answer. */
  private lent: readonly number[] | undefined = undefined;
  private readonly wire: InboundWire;
  private answered = false;
  /** Whether its handler has finished. A cancel doesn't tell. */
  private done = false;
  private controller: AbortController | undefined = undefined;
  private aborted: { readonly reason: unknown } | undefined = undefined;

  constructor(wire: InboundWire, sequence: number, received: number) {
    this.wire = wire;
    this.sequence = sequence;
    this.received = received;
  }

  /** Aborts when the caller cancels or the link closes. Created on first read. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.aborted !== undefined) this.controller.abort(this.aborted.reason);
    }
    return this.controller.signal;
  }

  /** Reports progress. Nothing is sent once the call has its answer. */
  progress(value: unknown): void {
    if (!this.answered) this.wire.progress(this.sequence, value);
  }

  /**
   * Whether all work for it has ended: its handler has finished, and the streams of its answer have
   * ended.
   */
  get over(): boolean {
    return this.done && (this.lent === undefined || !this.wire.feeds(this.lent));
  }

  /** For the link: the answer is on its way, perhaps with streams. */
  end(lent: readonly number[] | undefined): void {
    this.done = true;
    this.lent = lent;
    this.letGo(lent);
  }

  private letGo(lent: readonly number[] | undefined): void {
    this.answered = true;
    if (this.streams !== undefined && lent === undefined)
      for (const stream of this.streams) void stream.cancel();
  }

  /** For the link: the caller no longer waits. */
  abort(reason: Error): void {
    this.aborted = { reason };
    this.letGo(undefined);
    this.onCancel?.(reason);
    this.controller?.abort(reason);
  }
}
