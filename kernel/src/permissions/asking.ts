/** What plugins ask the application for, and what answers. */
import type { Manifest, PermissionName } from '@plinth/sdk/contract';
import type { Growth } from './growth.js';

/** A request of a plugin to the embedder. */
export interface PermissionRequest {
  readonly plugin: string;
  readonly version: string;
  /**
   * Why it asks. `update`: an update asks for more than the version before. `request`: the plugin
   * asks while it runs. `owner`: an id changes its owner. `install`: a plugin with fewer rights
   * installs it.
   */
  readonly reason: 'update' | 'request' | 'owner' | 'install';
  /** Permissions with the scopes that are new. */
  readonly permissions: Growth;
  /**
   * The package has another publisher or origin than the plugin it replaces. It would get the
   * plugin's data, rights and callers.
   */
  readonly owner?: { readonly from: string | undefined; readonly to: string };
  /** The plugin that installs it. */
  readonly by?: string;
  /** The plugin's own explanation. It is untrusted text, so show it as such. */
  readonly why?: string;
  /** The requested duration in milliseconds. Permanent when absent. */
  readonly for?: number;
}

/** Decides a request: whether it is granted, or for how many milliseconds at most. */
export type PermissionHandler = (
  request: PermissionRequest,
  question: PermissionQuestion,
) => PermissionAnswer | Promise<PermissionAnswer>;
/**
 * Yes, no, or for so many milliseconds. A no to a running plugin is remembered. Undefined decides
 * nothing: the plugin gets a no, and may ask again after a minute.
 */
export type PermissionAnswer = boolean | { readonly for: number } | undefined;

/** A request while it waits for its answer. */
export interface PermissionQuestion {
  /**
   * Aborts when no answer is wanted any more: the time is over, the right is revoked, the plugin is
   * uninstalled, the handler is removed, or the kernel stops. A dialog closes then.
   */
  readonly signal: AbortSignal;
}

/** How requests are put to a handler. */
export interface RequestOptions {
  /**
   * Milliseconds for an answer, from when the handler is asked: ten minutes when absent. It is
   * independent of the deadline of the plugin's call: a later yes still grants the right.
   */
  readonly timeout?: number;
  /**
   * Requests of running plugins that the handler is asked at the same time, one when absent. The
   * others wait, and plugins take turns. Updates and installations don't wait.
   */
  readonly concurrent?: number;
}

/** One right that a running plugin requests. */
export interface PermissionWish {
  readonly manifest: Manifest;
  readonly permission: PermissionName;
  readonly scope: string;
  readonly why: string | undefined;
  readonly for: number | undefined;
  /** Whether the plugin already has it. */
  has(): boolean;
}

/** A handler that answers requests, and how it is asked. */
export interface Handling extends Required<RequestOptions> {
  readonly handler: PermissionHandler;
  /** Aborts when the handler is removed. */
  readonly gone: AbortSignal;
}

/** What answers requests. A later handler takes its place. */
export interface Deciding {
  handling: Handling | undefined;
}

/** Asks the application about rights. */
export interface Asking {
  /**
   * Asks whether an update with more rights, a package of another owner, or an installation by
   * another plugin is accepted.
   */
  consent(question: Omit<PermissionRequest, 'reason'>): Promise<boolean>;
  /** Requests a right. Resolves to whether the plugin has it now. */
  ask(wish: PermissionWish): Promise<boolean>;
  /** Withdraws what is open, and asks nothing more. */
  close(): void;
}

/** Without the extension `grants` nothing is agreed to. */
export const NOT_ASKED: Asking = {
  consent: async () => false,
  ask: async (wish) => wish.has(),
  close: () => {},
};
