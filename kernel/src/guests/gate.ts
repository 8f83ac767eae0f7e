/** What stands in front of a guest's requests, and the guest as it is seen from there. */
import type { Manifest } from '@plinth/sdk/contract';
import type { Link } from '@plinth/sdk/rpc';
import type { ResourceUsage } from '../host.js';
import type { StorageNamespace } from '../storage/namespace.js';

/** Filters what a guest sends. */
export interface Gate {
  /** Decides at once. Its error goes to the guest. A promise lets the request fail. */
  request?(): void;
  ended?(error: Error): void;
}

/** The kernel's end of a guest, as far as a gate needs it. */
export interface ViewedGuest {
  readonly manifest: Pick<Manifest, 'id' | 'version'>;
  /** Whether it has its own thread. */
  readonly isolated: boolean;
  /** Requests that it has sent. */
  readonly requests: number;
  /** Whether calls from or to it are in progress. */
  readonly busy: boolean;
  readonly link: Pick<Link, 'pending'>;
  readonly storage: Pick<StorageNamespace, 'used'>;
  usage(): Promise<ResourceUsage | undefined>;
  alive(milliseconds: number): Promise<boolean>;
  endBecause(error: Error): void;
}
