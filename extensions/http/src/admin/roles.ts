/** Operators of the admin API, and what they may do. */

/** What an operator may do: read; also act; also install, grant, and handle secrets and data. */
export type Role = 'viewer' | 'operator' | 'admin';

/** Who makes a request of the admin API. */
export interface Operator {
  /** The audit log keeps it. */
  readonly name: string;
  readonly role: Role;
}

/** What a request of the admin API is about to do. */
export interface AdminAction {
  /** `plugins`, `plugins.disable`, `audit` … */
  readonly name: string;
  readonly changes: boolean;
  /** The role that it needs. */
  readonly role: Role;
  readonly tenant: string;
  readonly plugin?: string;
  /** The command that is called, with `commands.execute`. */
  readonly command?: string;
}
