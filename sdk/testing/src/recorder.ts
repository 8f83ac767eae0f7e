/** Records what happens in a test kernel: calls, denials, log lines. */
import type {
  HostMiddlewareCall,
  Kernel,
  KernelEvents,
  KernelOptions,
  LogEntry,
} from '@plinth/kernel';
import type { Caller, Next } from '@plinth/sdk';

/** One call of a command. */
export interface RecordedCall {
  /** Wire id. */
  readonly command: string;
  readonly input: unknown;
  readonly caller: Caller;
  readonly requestId: string;
  readonly user?: string;
  /** `pending` until the call has ended. */
  readonly state: 'pending' | 'answered' | 'failed';
  readonly answer?: unknown;
  readonly error?: unknown;
  /** Milliseconds. Absent until the call has ended. */
  readonly took?: number;
}

/** An attempt without the permission for it. */
export type RecordedDenial = KernelEvents['permission:denied'];

/** What is kept at most of each kind. Older entries are dropped. */
const MOST = 10_000;

/** Owns the records of one test kernel. */
export class Recorder {
  readonly calls: RecordedCall[] = [];
  readonly denials: RecordedDenial[] = [];
  readonly logs: LogEntry[] = [];

  /** Outermost around every command. */
  readonly around = async (call: HostMiddlewareCall, next: Next): Promise<unknown> => {
    const { id: command, input, caller, requestId, user } = call;
    const facts = { command, input, caller, requestId, ...(user !== undefined && { user }) };
    const record: { -readonly [K in keyof RecordedCall]: RecordedCall[K] } = {
      ...facts,
      state: 'pending',
    };
    keep(this.calls, record);
    const began = performance.now();
    try {
      const answer = await next();
      Object.assign(record, { state: 'answered', answer });
      return answer;
    } catch (error) {
      Object.assign(record, { state: 'failed', error });
      throw error;
    } finally {
      record.took = performance.now() - began;
    }
  };

  /** Receives the log, and passes it on to a sink of the test. */
  sink(given: KernelOptions['telemetry']): (entry: LogEntry) => void {
    const next = given?.log;
    return (entry) => {
      keep(this.logs, entry);
      if (typeof next === 'function') next(entry);
    };
  }

  listen(kernel: Kernel): void {
    kernel.events.on('permission:denied', ({ payload }) =>
      keep(this.denials, payload as RecordedDenial),
    );
  }
}

function keep<T>(list: T[], entry: T): void {
  list.push(entry);
  if (list.length > MOST) list.shift();
}
