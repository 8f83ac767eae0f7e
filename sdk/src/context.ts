/** `PluginContext`: everything a plugin can reach. Types only; the guest runtime builds it. */
import type { PluginCommands } from './context/commands.js';
import type { PluginEvents } from './context/events.js';
import type { FetchOptions, FetchResponse } from './context/fetch.js';
import type { PluginFiles } from './context/files.js';
import type { PluginHooks } from './context/hooks.js';
import type { PluginLogger } from './context/logger.js';
import type { PluginMessaging } from './context/messaging.js';
import type { PluginMetrics } from './context/metrics.js';
import type { PluginMiddleware } from './context/middleware.js';
import type { NeedClients } from './context/needs.js';
import type { PluginPermissions } from './context/permissions.js';
import type { Registered } from './context/registered.js';
import type { PluginServices } from './context/services.js';
import type { PluginSecrets, PluginSettingsAccess } from './context/settings.js';
import type { PluginStorage } from './context/storage.js';
import type { Handlers } from './contract/call-context.js';
import type { AnyContract } from './contract/contract.js';
import type { CallOptions } from './contract/contract-types.js';
import type { Manifest } from './contract/manifest-schema.js';

export type { CommandInfo, PluginCommands } from './context/commands.js';
export type { EventEnvelope, EventInfo, PluginEvents } from './context/events.js';
export type { FetchOptions, FetchResponse } from './context/fetch.js';
export type { PluginFiles } from './context/files.js';
export type { PluginHooks } from './context/hooks.js';
export type { PluginLogger } from './context/logger.js';
export type { PluginMessaging } from './context/messaging.js';
export type { MetricLabels, PluginMetrics } from './context/metrics.js';
export type {
  Middleware,
  MiddlewareCall,
  MiddlewareOptions,
  Next,
  PluginMiddleware,
} from './context/middleware.js';
export type { NeedClients, Needs } from './context/needs.js';
export type { PluginPermissions } from './context/permissions.js';
export type { LooseHandler, Registered } from './context/registered.js';
export type { PluginServices } from './context/services.js';
export type { PluginSecrets, PluginSettingsAccess } from './context/settings.js';
export type { PluginStorage } from './context/storage.js';

/**
 * What `activate` receives. Everything registered through it belongs to the plugin's scope and ends
 * with it.
 */
export interface PluginContext<N = Record<never, never>, Config = Record<string, unknown>> {
  readonly plugin: { readonly id: string; readonly version: string; readonly manifest: Manifest };
  /** `tenant-0` unless the kernel has tenants. */
  readonly tenant: string;
  /** Aborts when the plugin stops. */
  readonly signal: AbortSignal;
  /**
   * The current settings: frozen and parsed by the plugin's schema. A change creates another object
   * and calls `configure`.
   */
  readonly config: Readonly<Config>;
  readonly needs: NeedClients<N>;
  readonly commands: PluginCommands;
  readonly events: PluginEvents;
  readonly hooks: PluginHooks;
  readonly middleware: PluginMiddleware;
  readonly messaging: PluginMessaging;
  readonly services: PluginServices;
  readonly storage: PluginStorage;
  readonly secrets: PluginSecrets;
  readonly settings: PluginSettingsAccess;
  /**
   * Files. A link may not lead outside the allowed paths.
   *
   * @throws PluginPermissionError `permission/denied`, PluginValidationError `fs/invalid`,
   * PluginError `fs/failed`, also where the runtime has no files.
   */
  readonly fs: PluginFiles;
  /** Environment variables of the application that `env.read` names. Only in Node. */
  readonly env: {
    /** @throws PluginPermissionError `permission/denied`. */
    get(name: string): Promise<string | undefined>;
  };
  /**
   * Fetches a URL through the host, without cookies. Only what the permission `network.fetch` names
   * is allowed, also after redirects.
   *
   * @throws PluginPermissionError `permission/denied`, PluginValidationError `network/invalid`,
   * PluginNetworkError `network/failed`, PluginTimeoutError `call/timeout`, PluginOverloadedError
   * `network/too-large`.
   * @example
   * const { rates } = await (await ctx.fetch('https://api.example.com/rates')).json();
   */
  fetch(url: string | URL, options?: FetchOptions): Promise<FetchResponse>;
  readonly logger: PluginLogger;
  readonly metrics: PluginMetrics;
  readonly permissions: PluginPermissions;
  /** Answers every command and hook of a contract. */
  provide<C extends AnyContract>(contract: C, handlers: Handlers<C>): Registered;
  /**
   * Disposes a disposable with the plugin, in reverse order of registration. Returns the
   * disposable.
   */
  own<D extends Disposable | { dispose(): unknown }>(disposable: D): D;
  /**
   * Runs a function on the plugin's own behalf: with its own permissions and without a user, inside
   * any call. Where the runtime can't carry this across an `await`, pass `own` to the calls as
   * options.
   *
   * @example
   * // The plugin updates its index with its own permissions, not those of the caller.
   * await ctx.own((own) => ctx.commands.execute('com.example.search:index', note, own));
   */
  own<T>(work: (own: CallOptions) => T): T;
  /** Runs a function when the plugin stops. */
  defer(undo: () => unknown): void;
}
