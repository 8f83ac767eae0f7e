/** The options of `createKernel`, and their checks. */
import type { AnyContract, MiddlewareOptions, Next } from '@plinth/sdk';
import {
  A_TIME,
  createError,
  didYouMean,
  type Isolation,
  isTime,
  parseSize,
} from '@plinth/sdk/contract';
import { MAX_VALUE_BYTES, MAX_VALUE_DEPTH } from '@plinth/sdk/rpc';
import type { HostMiddlewareCall } from './api/host-middleware.js';
import type { ConfigOptions } from './config/config-store.js';
import type { ContributionOptions } from './extension/contributions.js';
import type { AnyExtension } from './extension/statics.js';
import {
  checkHibernation,
  type HibernationOptions,
} from './extensions/hibernation/hibernation-options.js';
import { checkResilience, type ResilienceOptions } from './extensions/resilience/policy.js';
import { checkSecrets, type SecretsOptions } from './extensions/secrets/secrets-options.js';
import type { ServiceSpec } from './extensions/services/service.js';
import { type SupervisionOptions, supervisionOf } from './extensions/supervision/options.js';
import type { Host, PluginSource, StorageAdapter } from './host.js';
import type { IsolationPolicy } from './lifecycle/launcher.js';
import { DEFAULT_LIMITS, type Limits } from './limits.js';
import type { Policy } from './policy.js';
import type { LogSink } from './telemetry/logger.js';

/** The version of this kernel. `engines.plinth` of a manifest is matched with it. */
export const KERNEL_VERSION = '1.0.0';

/** The parts of a kernel. Everything but the sources of plugins has a default. */
export interface KernelOptions {
  /** Where guests run. Inline guests are always possible. */
  readonly host?: Host | readonly Host[];
  /** Where plugins come from. */
  readonly sources?: readonly PluginSource[];
  /** Where plugins' data is kept: memory when absent. The kernel closes it when it stops. */
  readonly storage?: StorageAdapter;
  readonly config?: ConfigOptions;
  readonly policy?: Policy;
  /**
   * Contracts that any number of plugins may provide, beside the standard ones. Providing one needs
   * the right `contracts.provide`.
   */
  readonly contracts?: readonly AnyContract[];
  /**
   * Points of `contributes` in manifests that the application reads (`kernel.contributions`), each
   * with the JSON Schema of its values.
   */
  readonly contributions?: ContributionOptions;
  /** Extensions of the kernel. Experimental: their port may change with a minor release. */
  readonly extensions?: readonly AnyExtension[];
  /**
   * Overrides the isolation that manifests ask for. It is the only way to let a plugin run inline.
   */
  readonly isolation?: IsolationPolicy;
  readonly limits?: Partial<Limits>;
  /**
   * Whether plugins that call each other often get a direct lane: after 256 calls within a second,
   * after the given number, or never. Calls over a lane are counted a little later, and not
   * announced one by one.
   */
  readonly lanes?: boolean | { readonly calls: number };
  /** What happens to guests that crash, hang or stay silent. With false, nothing happens. */
  readonly supervision?: boolean | SupervisionOptions;
  /** Which plugins give up their guest while they are idle; none when absent. */
  readonly hibernation?: HibernationOptions;
  /**
   * The resilience of commands, by command id or prefix: time-out, retry, breaker, bulkhead, rate,
   * cache, fallback.
   */
  readonly resilience?: ResilienceOptions;
  /** Services of the application by token; each tenant has its own. */
  readonly services?: Readonly<Record<string, ServiceSpec<unknown>>>;
  /** How secrets of plugins are kept; in memory alone when absent. */
  readonly secrets?: SecretsOptions;
  /** Middleware of the host, outermost first. */
  readonly middleware?: readonly (MiddlewareOptions & {
    readonly target: string;
    readonly use: (call: HostMiddlewareCall, next: Next) => unknown;
  })[];
  /**
   * Receives every log entry. When absent, warnings, errors and the consoles of plugins go to the
   * host's console. With false, nothing is logged.
   */
  readonly telemetry?: { readonly log?: LogSink | false };
}

const OPTIONS: Readonly<Record<keyof KernelOptions, true>> = {
  host: true,
  sources: true,
  storage: true,
  config: true,
  policy: true,
  contracts: true,
  contributions: true,
  extensions: true,
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

/** Options that only the hosts' `createKernel` has. */
const SHORT_FORMS: readonly string[] = ['plugins', 'data'];

/** @throws PluginConfigurationError `kernel/invalid-option`. */
export function checkOptions(options: KernelOptions): void {
  checkNames(options);
  checkHibernation(options.hibernation);
  checkResilience(options.resilience);
  supervisionOf(options.supervision);
  checkSecrets(options.secrets);
  checkKeys('config', options.config, ['global', 'env', 'user', 'runtime']);
  checkPlaces(options);
  checkLists(options);
  checkLanes(options.lanes);
  checkLimits(options.limits);
}

function checkNames(options: KernelOptions): void {
  for (const key of Object.keys(options)) {
    if (SHORT_FORMS.includes(key))
      throw createError(
        'kernel/invalid-option',
        `createKernel of @plinth/kernel has no option '${key}': it is one of @plinth/host-node and @plinth/host-browser`,
        {
          details: { option: key },
        },
      );
    if (!Object.hasOwn(OPTIONS, key)) {
      const near = didYouMean(key, [...SHORT_FORMS, ...Object.keys(OPTIONS)], Object.keys(options));
      throw createError('kernel/invalid-option', `createKernel has no option '${key}'${near}`, {
        details: { option: key },
      });
    }
  }
}

function checkPlaces({ isolation, telemetry }: KernelOptions): void {
  if (isolation !== undefined && typeof isolation !== 'function' && !ISOLATIONS.includes(isolation))
    throw wrong(
      'isolation',
      `must be one of ${ISOLATIONS.join(', ')}, or a function, not ${String(isolation)}`,
    );
  checkKeys('telemetry', telemetry, ['log']);
  const { log } = telemetry ?? {};
  if (log !== undefined && log !== false && typeof log !== 'function')
    throw wrong('telemetry.log', `must be a function, or false for silence, not ${String(log)}`);
}

function checkLists({ sources, extensions, middleware }: KernelOptions): void {
  for (const [index, source] of listOf('sources', sources))
    if (typeof source?.discover !== 'function')
      throw wrong(`sources[${index}]`, "has no 'discover'");
  for (const [index, extension] of listOf('extensions', extensions))
    if (typeof extension?.install !== 'function' || typeof extension.factory !== 'function')
      throw wrong(
        `extensions[${index}]`,
        'is no extension: give what a factory of defineExtension() answers',
      );
  for (const [index, one] of listOf('middleware', middleware)) {
    const at = `middleware[${index}]`;
    checkKeys(at, one, ['target', 'use', 'name', 'before', 'after']);
    if (typeof one?.target !== 'string' || typeof one.use !== 'function')
      throw wrong(at, "needs a 'target' and a function 'use'");
  }
}

function checkLanes(lanes: KernelOptions['lanes'] = true): void {
  if (typeof lanes === 'object') checkKeys('lanes', lanes, ['calls']);
  const calls =
    typeof lanes === 'boolean' ? 1 : (lanes as { readonly calls: number } | null)?.calls;
  if (!Number.isSafeInteger(calls) || (calls as number) < 1)
    throw wrong('lanes.calls', `must be a whole number above 0, not ${String(calls)}`);
}

function checkLimits(limits: KernelOptions['limits']): void {
  checkKeys('limits', limits, Object.keys(DEFAULT_LIMITS));
  for (const [key, value] of Object.entries(limits ?? {})) {
    if (!Object.hasOwn(DEFAULT_LIMITS, key))
      throw wrong(
        `limits.${key}`,
        `is not a limit${didYouMean(key, Object.keys(DEFAULT_LIMITS), [])}`,
      );
    if (value === undefined || (key === 'trial' && value === 0)) continue;
    if (key === 'value') checkValueLimits(value);
    else if (COUNTS.has(key)) {
      if (value !== Number.POSITIVE_INFINITY && !(Number.isSafeInteger(value) && Number(value) > 0))
        throw wrong(
          `limits.${key}`,
          `must be a whole number above 0, or Infinity, not ${String(value)}`,
        );
    } else if (!isTime(value))
      throw wrong(`limits.${key}`, `must be ${A_TIME}, not ${String(value)}`);
  }
}

function checkValueLimits(value: unknown): void {
  const at = 'limits.value';
  if (value !== null && typeof value === 'object') checkKeys(at, value, ['bytes', 'depth']);
  const { bytes, depth } = (typeof value === 'object' ? value : { bytes: value }) as {
    readonly bytes?: unknown;
    readonly depth?: unknown;
  };
  const size = bytes === undefined ? undefined : parseSize(bytes as string);
  if (
    bytes !== undefined &&
    !(size !== undefined && size >= MIN_VALUE_BYTES && size <= MAX_VALUE_BYTES)
  )
    throw wrong(
      `${at}.bytes`,
      `must be bytes or a text like '128MB', from ${MIN_VALUE_BYTES} to ${MAX_VALUE_BYTES}, not ${String(bytes)}`,
    );
  if (
    depth !== undefined &&
    !(Number.isSafeInteger(depth) && (depth as number) >= 1 && (depth as number) <= MAX_VALUE_DEPTH)
  )
    throw wrong(
      `${at}.depth`,
      `must be a whole number from 1 to ${MAX_VALUE_DEPTH}, not ${String(depth)}`,
    );
}

/** Below this bound no useful value crosses. */
const MIN_VALUE_BYTES = 1_024;

/** Limits that aren't times. */
const COUNTS: ReadonlySet<string> = new Set([
  'parallel',
  'refusals',
  'codeSize',
  'keys',
] satisfies (keyof Limits)[]);

const ISOLATIONS: readonly unknown[] = [
  'inline',
  'worker',
  'process',
  'sandbox',
] satisfies readonly Isolation[];

/** Rejects unknown keys, because a misspelt key would silently do nothing. */
function checkKeys(option: string, value: object | undefined, known: readonly string[]): void {
  if (value === undefined) return;
  if (typeof value !== 'object' || value === null)
    throw wrong(option, `must be an object, not ${String(value)}`);
  for (const key of Object.keys(value))
    if (!known.includes(key))
      throw wrong(`${option}.${key}`, `is not an option${didYouMean(key, known, [])}`);
}

function listOf<T>(option: string, value: readonly T[] = []): Iterable<[number, T | undefined]> {
  if (!Array.isArray(value)) throw wrong(option, `must be a list, not ${String(value)}`);
  return value.entries();
}

function wrong(option: string, what: string): Error {
  return createError('kernel/invalid-option', `'${option}' ${what}`, { details: { option } });
}
