/** What one plugin uses, as plain data. */
import type { Isolation } from '@plinth/sdk/contract';
import type { StartPhases } from '../../plugin/record.js';

/** An amount, and the most that is allowed. */
export interface Amount {
  readonly used: number;
  /** Absent where nothing limits it. */
  readonly limit?: number;
}

/** `kernel.plugins.usage()`: what one plugin uses now. */
export interface PluginUsage {
  readonly id: string;
  readonly version?: string;
  readonly state: string;
  /** Where its guest runs. Absent while it has none. */
  readonly isolation?: Isolation;
  /** Bytes. */
  readonly memory?: Amount;
  /** Milliseconds of CPU since its guest started, and their share of one core. */
  readonly cpu?: { readonly time: number; readonly share: number; readonly limit?: number };
  /** The share of the time that its event loop was busy, since it was asked last. */
  readonly eventLoop?: number;
  /** Messages between the kernel and its guest. Many calls may travel in one. */
  readonly messages?: {
    readonly received: number;
    readonly sent: number;
    /** Requests that it has made. */
    readonly requests: number;
    /** Messages that were refused. */
    readonly refused: number;
    /** Bytes each way, as quotas count values. Only with the option `metrics.bytes`. */
    readonly bytesReceived?: number;
    readonly bytesSent?: number;
  };
  /** Calls that it has answered since the kernel was made, and those in progress. */
  readonly calls: {
    readonly answered: number;
    readonly failed: number;
    /** Calls that wait for its answer. */
    readonly pending: number;
    /** Its own requests that are being answered. */
    readonly serving: number;
    /** Open streams, both directions. */
    readonly streams: number;
    /** Messages in its mailbox, which wait until it can take them. */
    readonly waiting: number;
  };
  /** Bytes that it keeps, and the number of keys. Absent when the storage doesn't tell. */
  readonly storage?: Amount & { readonly keys: number };
  /** Lines that it has logged since the kernel was made, by level. */
  readonly logs: { readonly lines: number; readonly levels: Readonly<Record<string, number>> };
  readonly crashes: number;
  readonly restarts: number;
  /** Milliseconds of each phase of its last start. Absent while it has no guest. */
  readonly activation?: StartPhases & { readonly total: number };
  /** What can't be known, and why. */
  readonly unknown: Readonly<Record<string, string>>;
}

/** `kernel.usage()`: what all plugins of a tenant use together now. */
export interface TenantUsage {
  readonly tenant: string;
  readonly plugins: {
    readonly installed: number;
    /** Those that have a guest. */
    readonly running: number;
  };
  /** Bytes of their guests, as far as these tell. Absent where none does. */
  readonly memory?: Amount;
  /** Bytes that they keep, also those that are not installed any more. */
  readonly storage?: Amount;
  /** Requests of plugins that are being answered. */
  readonly calls: Amount;
  /** Messages in the current second. Present only where they are limited, as they are counted then. */
  readonly messages?: Amount;
  /** Calls that they have answered since the kernel was made, and those of them that failed. */
  readonly answered: number;
  readonly failed: number;
  /** What can't be known, or not of all, and why. */
  readonly unknown: Readonly<Record<string, string>>;
}

/** An amount. What has no limit has none to show. */
export const amountOf = (used: number, limit: number): Amount => ({
  used,
  ...(Number.isFinite(limit) && { limit }),
});
