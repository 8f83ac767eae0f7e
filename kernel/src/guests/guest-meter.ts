/** What measures a guest, and holds it to its limits. */
import type { Manifest } from '@plinth/sdk/contract';
import type { Link } from '@plinth/sdk/rpc';
import type { ResourceUsage } from '../host.js';
import type { TrustLevel } from '../permissions/trust-level.js';

/** A running guest, as its meter sees it. */
export interface MeteredGuest {
  readonly link: Link;
  usage(): Promise<ResourceUsage | undefined>;
  endBecause(error: Error): void;
}

/** Limits that a guest's connection looks at itself. Infinity means no limit. */
export interface GuestLimits {
  /** Bytes. */
  readonly storage: number;
  readonly messageSize: number;
  /** Files that may be open. */
  readonly files: number;
  readonly timers: number;
  /** Milliseconds for an answer. */
  readonly callTime: number;
}

/** Measures one guest. */
export interface GuestMeter {
  readonly limits: GuestLimits;
  /** Whether calls have to be counted, so that none may bypass the kernel. */
  readonly counts: boolean;
  /** Bytes, as last measured. 0 where nothing requires the measurement. */
  readonly memory: number;
  /** A note has arrived. */
  note(): void;
  /** @throws PluginOverloadedError when too many are open. */
  request(): void;
  /** @throws PluginOverloadedError for a value that is too large. */
  checkSize(value: unknown): void;
  /** Counts a line of the log. Answers false when it is not to be written. */
  logEntry(): boolean;
  /** Nothing waits until the answer is called. */
  letThrough(): () => void;
}

/** Makes the meters of a tenant's guests, and looks at them. */
export interface Metering {
  meter(manifest: Manifest, level: TrustLevel | undefined, guest: MeteredGuest): GuestMeter;
  started(meter: GuestMeter): void;
  ended(meter: GuestMeter): void;
}
