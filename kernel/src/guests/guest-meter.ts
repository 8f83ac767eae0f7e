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

/** The limits of a guest. Infinity means no limit. */
export interface GuestLimits extends MachineLimits {
  /** Bytes. */
  readonly storage: number;
  readonly messageSize: number;
  readonly files: number;
  /** In a second. */
  readonly messages: number;
  readonly logs: number;
  /** Open at once. */
  readonly calls: number;
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

/** What a plugin may use of the machine. Infinity means no limit. */
export interface MachineLimits {
  /** Bytes. */
  readonly memory: number;
  /** Share of one core. */
  readonly cpu: number;
}

/** What all plugins of a tenant may use together. Infinity means no limit. */
export interface SharedLimits {
  /** Bytes. */
  readonly memory: number;
  readonly storage: number;
  /** In a second. */
  readonly messages: number;
  /** Open at once. */
  readonly calls: number;
}

/** Makes the meters of a tenant's guests, and looks at them. */
export interface Metering {
  /** What all plugins of the tenant may use together. */
  readonly tenant: SharedLimits;
  /** Messages of all plugins in this second, where they are limited. */
  readonly messages: number;
  limitsOf(manifest: Manifest, level: TrustLevel | undefined): MachineLimits;
  meter(manifest: Manifest, level: TrustLevel | undefined, guest: MeteredGuest): GuestMeter;
  started(meter: GuestMeter): void;
  ended(meter: GuestMeter): void;
  /** The tenant stops: nothing is measured any more. */
  close(): void;
}

const NONE = Number.POSITIVE_INFINITY;
const UNLIMITED: GuestMeter = {
  limits: {
    memory: NONE,
    cpu: NONE,
    storage: NONE,
    messageSize: NONE,
    files: NONE,
    messages: NONE,
    logs: NONE,
    calls: NONE,
    timers: NONE,
    callTime: NONE,
  },
  counts: false,
  memory: 0,
  note: () => {},
  request: () => {},
  checkSize: () => {},
  logEntry: () => true,
  letThrough: () => () => {},
};

/** Without metering only the fixed bounds of the kernel hold. */
export const NO_METERING: Metering = {
  tenant: { memory: NONE, storage: NONE, messages: NONE, calls: NONE },
  messages: 0,
  limitsOf: () => ({ memory: NONE, cpu: NONE }),
  meter: () => UNLIMITED,
  started: () => {},
  ended: () => {},
  close: () => {},
};
