/** What `createKernel` takes, and whether it makes sense. */
import type { MiddlewareOptions, Next } from '@plinth/sdk';
import { createError, didYouMean, type Isolation } from '@plinth/sdk/contract';
import type { ConfigOptions } from './config/config-store.js';
import type { HostMiddlewareCall } from './events/host-events.js';
import type { Host, PluginSource, StorageAdapter } from './host.js';
import { DEFAULT_LIMITS, type IsolationPolicy, type Limits, type Policy } from './parts.js';
import { checkResilience, type ResilienceOptions } from './resilience/policy.js';
import { checkSecrets, type SecretsOptions } from './secrets/secrets.js';
import type { ServiceSpec } from './services/container.js';
import { checkHibernation, type HibernationOptions } from './supervision/hibernation.js';
import type { SupervisionOptions } from './supervision/options.js';
import type { LogSink } from './telemetry/logger.js';

/** This kernel's version: what `engines.plinth` of a manifest is matched with. */
export const KERNEL_VERSION = '1.0.0';

/** What a kernel is made of. Everything has a default but where plugins come from. */
export interface KernelOptions {
  /** Where guests run; inline guests are always possible. */
  readonly host?: Host | readonly Host[];
  /** Where plugins come from. */
  readonly sources?: readonly PluginSource[];
  /** Where plugins' data is kept; memory when absent. The kernel closes it when it stops. */
  readonly storage?: StorageAdapter;
  readonly config?: ConfigOptions;
  readonly policy?: Policy;
  /** Overrides the isolation that manifests ask for; the only way to let a plugin run inline. */
  readonly isolation?: IsolationPolicy;
  readonly limits?: Partial<Limits>;
  /**
   * Whether plugins that call each other often get a direct channel: after 256 calls within a second, after the number
   * given, or never. Calls over it are counted a little later, and not announced one by one.
   */
  readonly lanes?: boolean | { readonly calls: number };
  /** What happens to guests that crash, hang or stay silent; false leaves them as they are. */
  readonly supervision?: boolean | SupervisionOptions;
  /** Which plugins give their guest away while they have nothing to do; none when absent. */
  readonly hibernation?: HibernationOptions;
  /** What keeps commands working, by command id or prefix: time-out, retry, breaker, bulkhead, rate, cache, fallback. */
  readonly resilience?: ResilienceOptions;
  /** Services of the application by token; each tenant has its own. */
  readonly services?: Readonly<Record<string, ServiceSpec<unknown>>>;
  /** How secrets of plugins are kept; in memory alone when absent. */
  readonly secrets?: SecretsOptions;
  /** Middleware of the host, outermost first. */
  readonly middleware?: readonly (MiddlewareOptions & { readonly target: string; readonly use: (call: HostMiddlewareCall, next: Next) => unknown })[];
  /** Takes every log entry. */
  readonly telemetry?: { readonly log?: LogSink };
}

const OPTIONS: Readonly<Record<keyof KernelOptions, true>> = {
  host: true,
  sources: true,
  storage: true,
  config: true,
  policy: true,
  isolation: true,
  limits: true,
  lanes: true,
  supervision: true,
  hibernation: true,
  resilience: true,
  services: true,
  secrets: true,
  middleware: true,
  telemetry: true,
};

/** @throws PluginConfigurationError `kernel/invalid-option`. */
export function checkOptions(options: KernelOptions): void {
  for (const key of Object.keys(options)) {
    if (!Object.hasOwn(OPTIONS, key))
      throw createError('kernel/invalid-option', `createKernel has no option '${key}'${didYouMean(key, Object.keys(OPTIONS), Object.keys(options))}`, { details: { option: key } });
  }
  checkHibernation(options.hibernation);
  checkResilience(options.resilience);
  checkSecrets(options.secrets);
  const { isolation, sources, middleware } = options;
  if (isolation !== undefined && typeof isolation !== 'function' && !ISOLATIONS.includes(isolation))
    throw wrong('isolation', `must be one of ${ISOLATIONS.join(', ')}, or a function, not ${String(isolation)}`);
  checkKeys('config', options.config, ['global', 'env', 'user', 'runtime']);
  checkKeys('telemetry', options.telemetry, ['log']);
  for (const [index, source] of listOf('sources', sources)) if (typeof source?.discover !== 'function') throw wrong(`sources[${index}]`, "has no 'discover'");
  for (const [index, one] of listOf('middleware', middleware)) {
    const at = `middleware[${index}]`;
    checkKeys(at, one, ['target', 'use', 'name', 'before', 'after']);
    if (typeof one?.target !== 'string' || typeof one.use !== 'function') throw wrong(at, "needs a 'target' and a function 'use'");
  }
  const { lanes = true } = options;
  const calls = typeof lanes === 'boolean' ? 1 : (lanes as { readonly calls: number } | null)?.calls;
  if (!Number.isSafeInteger(calls) || (calls as number) < 1) throw wrong('lanes.calls', `must be a whole number above 0, not ${String(calls)}`);
  for (const [key, value] of Object.entries(options.limits ?? {})) {
    if (!Object.hasOwn(DEFAULT_LIMITS, key)) throw wrong(`limits.${key}`, `is not a limit${didYouMean(key, Object.keys(DEFAULT_LIMITS), [])}`);
    if (typeof value !== 'number' || !(value > 0 || (key === 'trial' && value === 0))) throw wrong(`limits.${key}`, `must be a positive number, not ${String(value)}`);
  }
}

const ISOLATIONS: readonly unknown[] = ['inline', 'worker', 'process', 'sandbox'] satisfies readonly Isolation[];

/** A key that is misspelt would quietly do nothing. */
function checkKeys(option: string, value: object | undefined, known: readonly string[]): void {
  if (value === undefined) return;
  if (typeof value !== 'object' || value === null) throw wrong(option, `must be an object, not ${String(value)}`);
  for (const key of Object.keys(value)) if (!known.includes(key)) throw wrong(`${option}.${key}`, `is not an option${didYouMean(key, known, [])}`);
}

function listOf<T>(option: string, value: readonly T[] = []): Iterable<[number, T | undefined]> {
  if (!Array.isArray(value)) throw wrong(option, `must be a list, not ${String(value)}`);
  return value.entries();
}

function wrong(option: string, what: string): Error {
  return createError('kernel/invalid-option', `'${option}' ${what}`, { details: { option } });
}
