/** The options of a call from the host. */
import type { CallOptions } from '@plinth/sdk';

/** What the host may say of a call, beside what every caller may. */
export interface HostCallOptions extends CallOptions {
  /** On whose behalf; handlers see it as `call.user`. Only the host can set it. */
  readonly user?: string;
  readonly traceparent?: string;
  /** Range of plugin versions that may answer; the highest stable one is taken. */
  readonly version?: string;
  /** Called with each value the handler reports. */
  readonly onProgress?: (value: unknown) => void;
}
