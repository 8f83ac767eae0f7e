/** Checks the options of a kernel. A misspelt one would silently do nothing. */
import {
  A_TIME,
  createError,
  didYouMean,
  type Isolation,
  isPromiseLike,
  isTime,
  messageOf,
  parseSize,
} from '@plinth/sdk/contract';
import { MAX_VALUE_BYTES, MAX_VALUE_DEPTH } from '@plinth/sdk/rpc';
import { openContracts } from './calls/open-contracts.js';
import { checkCorePolicy } from './check-core-policy.js';
import type { Host } from './host.js';
import type { CoreOptions } from './kernel-options.js';
import { DEFAULT_LIMITS, type Limits } from './limits.js';
import { listAt, objectAt, wrong } from './option-checks.js';

const OPTIONS: Readonly<Record<keyof CoreOptions, true>> = {
  host: true,
  sources: true,
  storage: true,
  registry: true,
  config: true,
  policy: true,
  contracts: true,
  contributions: true,
  extensions: true,
  isolation: true,
  limits: true,
  lanes: true,
  middleware: true,
  telemetry: true,
  tenants: true,
};

/** Options that only the hosts' `createKernel` has. */
const SHORT_FORMS: readonly string[] = ['plugins', 'data'];

/**
 * Checks the options of a kernel without built-in extensions.
 *
 * @throws PluginConfigurationError `kernel/invalid-option`.
 */
export function checkCoreOptions(options: CoreOptions): void {
  checkIsObject(options);
  checkNames(options, []);
  if (options.policy !== undefined) checkCorePolicy(options.policy);
  checkOptions(options);
}

/** @throws PluginConfigurationError `kernel/invalid-option`. */
export const checkIsObject = (options: unknown): void => void objectAt('options', options);

/**
 * Checks what the options of the core are set to, but for its policy.
 *
 * @throws PluginConfigurationError `kernel/invalid-option`.
 */
export function checkOptions(options: CoreOptions): void {
  checkConfig(options.config);
  checkParts(options);
  checkPlaces(options);
  checkLists(options);
  if (options.tenants !== undefined && options.tenants !== 'only')
    throw createError('kernel/invalid-option', "'tenants' is 'only', or absent", {
      details: { option: 'tenants' },
    });
  if (options.contributions !== undefined) objectAt('contributions', options.contributions);
  checkLanes(options.lanes);
  checkLimits(options.limits);
}

/**
 * @param more names of options beside those of the core.
 * @throws PluginConfigurationError `kernel/invalid-option` for an unknown one.
 */
export function checkNames(options: object, more: readonly string[]): void {
  for (const key of Object.keys(options)) {
    if (SHORT_FORMS.includes(key))
      throw createError(
        'kernel/invalid-option',
        `createKernel of @plinth/kernel has no option '${key}': it is one of @plinth/host-node and @plinth/host-browser`,
        {
          details: { option: key },
        },
      );
    if (!Object.hasOwn(OPTIONS, key) && !more.includes(key)) {
      const known = [...SHORT_FORMS, ...Object.keys(OPTIONS), ...more];
      const near = didYouMean(key, known, Object.keys(options));
      throw createError('kernel/invalid-option', `createKernel has no option '${key}'${near}`, {
        details: { option: key },
      });
    }
  }
}

/** A layer is an object by plugin, or a source that has a function `load`. */
function checkConfig(config: CoreOptions['config']): void {
  checkKeys('config', config, ['global', 'env', 'user', 'runtime']);
  for (const [layer, from] of Object.entries(config ?? {})) {
    if (from === undefined) continue;
    if (layer === 'global' || layer === 'user')
      if (typeof Object(from).load === 'function') continue;
    objectAt(`config.${layer}`, from);
  }
}

/** Hosts and storage, by what is used first of them. */
function checkParts({ host, storage }: CoreOptions): void {
  const hosts: readonly unknown[] = host === undefined ? [] : [host].flat();
  for (const one of hosts) {
    const { launch, isolations } = Object(one) as Partial<Host>;
    if (typeof launch !== 'function' || !Array.isArray(isolations))
      throw wrong('host', "needs a function 'launch' and a list 'isolations'");
  }
  if (isPromiseLike(storage)) throw wrong('storage', 'is a promise: await it');
  if (storage !== undefined && typeof Object(storage).get !== 'function')
    throw wrong('storage', "has no 'get'");
}

function checkPlaces({ isolation, registry, telemetry }: CoreOptions): void {
  if (registry !== undefined && typeof registry?.over !== 'function')
    throw wrong('registry', "has no 'over'");
  if (isolation !== undefined && typeof isolation !== 'function' && !ISOLATIONS.includes(isolation))
    throw wrong(
      'isolation',
      `must be one of ${ISOLATIONS.join(', ')}, or a function, not ${messageOf(isolation)}`,
    );
  checkKeys('telemetry', telemetry, ['log']);
  const { log } = telemetry ?? {};
  if (log !== undefined && log !== false && typeof log !== 'function')
    throw wrong('telemetry.log', `must be a function, or false for silence, not ${messageOf(log)}`);
}

function checkLists({ sources, extensions, middleware, contracts }: CoreOptions): void {
  listOf('contracts', contracts);
  openContracts(contracts);
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

function checkLanes(lanes: CoreOptions['lanes'] = true): void {
  if (typeof lanes === 'object') checkKeys('lanes', lanes, ['calls']);
  const calls =
    typeof lanes === 'boolean' ? 1 : (lanes as { readonly calls: number } | null)?.calls;
  if (!Number.isSafeInteger(calls) || (calls as number) < 1)
    throw wrong('lanes.calls', `must be a whole number above 0, not ${messageOf(calls)}`);
}

function checkLimits(limits: CoreOptions['limits']): void {
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
          `must be a whole number above 0, or Infinity, not ${messageOf(value)}`,
        );
    } else if (!isTime(value))
      throw wrong(`limits.${key}`, `must be ${A_TIME}, not ${messageOf(value)}`);
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
      `must be bytes or a text like '128MB', from ${MIN_VALUE_BYTES} to ${MAX_VALUE_BYTES}, not ${messageOf(bytes)}`,
    );
  if (
    depth !== undefined &&
    !(Number.isSafeInteger(depth) && (depth as number) >= 1 && (depth as number) <= MAX_VALUE_DEPTH)
  )
    throw wrong(
      `${at}.depth`,
      `must be a whole number from 1 to ${MAX_VALUE_DEPTH}, not ${messageOf(depth)}`,
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
  for (const key of Object.keys(objectAt(option, value)))
    if (!known.includes(key))
      throw wrong(`${option}.${key}`, `is not an option${didYouMean(key, known, [])}`);
}

function listOf<T>(option: string, value?: readonly T[]): Iterable<[number, T | undefined]> {
  return (listAt(option, value) as readonly T[]).entries();
}
