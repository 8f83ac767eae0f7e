/** What was decided about rights while the kernel ran, and before. */
import type { PermissionName } from '@plinth/sdk/contract';
import { missingExtension } from '../absent-extension.js';
import type { StorageAdapter } from '../host.js';
import type { Denied } from './broker.js';
import type { GrantedRight } from './granted.js';

/** How long a right is granted. */
export interface GrantOptions {
  /** Milliseconds until it expires. Absent or Infinity: permanent, also after a restart. */
  readonly for?: number;
}

/** The same, with terms that only the kernel sets. */
export interface GrantTerms extends GrantOptions {
  /** Whether the right was granted on the plugin's request. */
  readonly asked?: boolean;
}

/** A right that a plugin asked for, and was refused. */
export interface RefusedRight extends GrantedRight {
  /** The version that asked. Another version may ask again. */
  readonly version: string;
}

/** Keeps grants, revocations and refusals, by plugin. */
export interface GrantRecords {
  /** Reads what is kept. Unreadable entries are reported, and grant nothing. */
  open(): Promise<void>;
  /** Whether anything was granted or revoked. */
  has(id: string): boolean;
  granted(id: string): readonly GrantedRight[];
  denied(id: string): Denied;
  /** @throws PluginValidationError `permission/invalid`. */
  check(id: string, permission: PermissionName, scope: string, options: GrantOptions): void;
  /** Grants a right at once. Resolves when that is kept. */
  grant(id: string, permission: PermissionName, scope: string, options: GrantTerms): Promise<void>;
  /** Revokes a right at once. Resolves when that is kept. */
  revoke(id: string, permission: PermissionName, scope: string): Promise<void>;
  /** The requests that are answered no without being asked again. */
  refused(id: string): readonly RefusedRight[];
  /** Remembers a no for so many milliseconds. One without end is kept. */
  refuse(id: string, right: RefusedRight, time: number): Promise<void>;
  /** Forgets the refusals that a scope covers, or all. Resolves when that is kept. */
  forget(id: string, permission?: PermissionName, scope?: string): Promise<void>;
  purge(id: string): Promise<void>;
  close(): Promise<void>;
}

const NONE: Denied = new Map();

const refuse = (): never => {
  throw missingExtension('grants');
};

/**
 * Without the extension `grants` plugins have what their manifests ask for, within policy. Kept
 * decisions would have no effect, so a storage that has some is refused.
 */
export const withoutGrants = (
  storage: Pick<StorageAdapter, 'keys'>,
  tenant: string,
): GrantRecords => ({
  async open() {
    if ((await storage.keys(grantKey(tenant, ''))).length > 0) throw missingExtension('grants');
  },
  has: () => false,
  granted: () => [],
  denied: () => NONE,
  check: refuse,
  grant: refuse,
  revoke: async () => refuse(),
  refused: () => [],
  refuse: async () => refuse(),
  forget: async () => refuse(),
  purge: async () => {},
  close: async () => {},
});

/** The storage key of the decisions about a plugin. No plugin can have this id. */
export const grantKey = (tenant: string, id: string): string => `${tenant}\0plinth\0grants\0${id}`;
