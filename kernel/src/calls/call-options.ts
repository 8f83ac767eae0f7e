/** The options of a call from the host. */
import type { Baggage, CallOptions } from '@plinth/sdk';

/** What the host may say about a call, besides what every caller may say. */
export interface HostCallOptions extends CallOptions {
  /**
   * The user that the call is made for. Handlers see it as `call.user`. Only the host can set it.
   */
  readonly user?: string;
  readonly traceparent?: string;
  /**
   * Small facts that go with the call and with every call made for it. Handlers see them as
   * `call.baggage`.
   */
  readonly baggage?: Baggage;
  /** Range of plugin versions that may answer. The highest stable one is taken. */
  readonly version?: string;
  /** Called with each value the handler reports. */
  readonly onProgress?: (value: unknown) => unknown;
}
