/** What a guest may use of the machine, where its host offers it. Each request is checked there. */
import type { Manifest } from '@plinth/sdk/contract';
import type { PermissionSet } from '../permissions/broker.js';
import type { GuestMeter } from './guest-meter.js';

/** The guest that asks. */
export interface MachineUser {
  readonly manifest: Manifest;
  readonly permissions: PermissionSet;
  readonly meter: GuestMeter;
}

/** The request of a plugin, unchecked. */
export interface FetchAsk {
  readonly url: string;
  readonly method: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array | undefined;
  /** Milliseconds. */
  readonly timeout: number | undefined;
  /** W3C trace context of the call that it is made for. */
  readonly traceparent: string | undefined;
}

/** Network, files and environment of the machine. */
export interface Machine {
  /** A variable of the environment. The permission was checked. */
  environment(name: string): string | undefined;
  /** A request about files. Nothing of it was checked. */
  files(guest: MachineUser, request: readonly unknown[], data: unknown): Promise<unknown>;
  /**
   * Fetches for a guest.
   *
   * @param demand throws when a URL may not be fetched by a method.
   * @param namesHost whether all whose rights count name the host of a URL.
   */
  fetch(
    guest: MachineUser,
    demand: (method: string, url: string) => void,
    ask: FetchAsk,
    signal: AbortSignal,
    namesHost: (url: string) => boolean,
  ): Promise<unknown>;
}
