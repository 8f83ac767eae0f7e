/** Errors of an SDK. They are contained, so that telemetry never fails what it watches. */
import { asPromise } from '@plinth/sdk/contract';

/** Milliseconds between two entries in the log. */
const TELL = 60_000;
/** Errors in a row after which nothing is recorded for a while. */
const ROW = 32;
/** Milliseconds of that rest. */
const REST = 10_000;

/** Owns the count of an SDK's errors. */
export class Faults {
  readonly #tell: (message: string, fields: Readonly<Record<string, unknown>>) => void;
  #told = Number.NEGATIVE_INFINITY;
  #untold = 0;
  #row = 0;
  #restUntil = 0;

  constructor(tell: (message: string, fields: Readonly<Record<string, unknown>>) => void) {
    this.#tell = tell;
  }

  /** Whether the SDK fails so often that it isn't called for a while. */
  get resting(): boolean {
    return this.#restUntil !== 0 && this.#rests();
  }

  /** The SDK has thrown. The first error is logged, and others at most once a minute. */
  failed(error: unknown): void {
    const now = performance.now();
    this.#untold += 1;
    this.#row += 1;
    if (this.#row >= ROW) {
      this.#row = 0;
      this.#restUntil = now + REST;
    }
    if (now - this.#told < TELL) return;
    const message = error instanceof Error ? error.message : String(error);
    this.#tell(`the OpenTelemetry SDK failed: ${message}`, { errors: this.#untold });
    this.#told = now;
    this.#untold = 0;
  }

  /** The SDK has worked. */
  worked(): void {
    this.#row = 0;
  }

  /** Runs work of the SDK. Answers undefined when it throws, or while it rests. */
  contain<T>(work: () => T): T | undefined {
    if (this.resting) return undefined;
    try {
      const result = work();
      // An SDK may answer a promise, which must not fail unheard.
      asPromise(result)?.catch((error: unknown) => this.failed(error));
      this.#row = 0;
      return result;
    } catch (error) {
      this.failed(error);
      return undefined;
    }
  }

  #rests(): boolean {
    if (performance.now() < this.#restUntil) return true;
    this.#restUntil = 0;
    return false;
  }
}
