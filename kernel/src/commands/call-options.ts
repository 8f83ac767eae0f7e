/** The options of a call from the host. */
import type { Baggage, CallOptions } from '@plinth/sdk';

/** What the host may say of a call, beside what every caller may. */
export interface HostCallOptions extends CallOptions {
  /** On whose behalf; handlers see it as `call.user`. Only the host can set it. */
  readonly user?: string;
  readonly traceparent?: string;
  /** Small facts that go with the call, and with every call that is made for it; handlers see them as `call.baggage`. */
  readonly baggage?: Baggage;
  /** Range of plugin versions that may answer; the highest stable one is taken. */
  readonly version?: string;
  /** Called with each value the handler reports. */
  readonly onProgress?: (value: unknown) => void;
}
