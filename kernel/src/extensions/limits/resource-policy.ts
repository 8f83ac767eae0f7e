/**
 * How much plugins may use: by plugin, by level of trust, and all plugins of a tenant together. The
 * lowest limit that applies counts.
 */
import {
  A_TIME,
  covers,
  createError,
  didYouMean,
  isTime,
  type Manifest,
  messageOf,
  parseSize,
} from '@plinth/sdk/contract';
import { isObject } from '../../option-checks.js';
import type { TrustLevel } from '../../permissions/trust-level.js';

/**
 * The limits of one plugin. An absent limit means no limit beyond the fixed ones (see
 * `docs/security.md`).
 */
export interface ResourceLimits {
  /**
   * Bytes, or a text like `64MB`. The lower of this and the manifest's value applies. Measured in
   * Node.
   */
  readonly memory?: number | string;
  /**
   * Share of one core over ten seconds, from 0 to 1. Measured in Node, where the platform supports
   * it.
   */
  readonly cpu?: number;
  /** Requests, notes, items of streams, progress and registrations of the plugin in a second. */
  readonly messages?: number;
  /** Largest value in a message, as bytes or a text like `1MB`. */
  readonly messageSize?: number | string;
  /** Requests of the plugin that may be open at once. */
  readonly calls?: number;
  /** Milliseconds that a call may wait for this plugin's answer, even if the caller allows more. */
  readonly callTime?: number;
  /** Entries in the log in a second. */
  readonly logs?: number;
  /**
   * Bytes of storage, or a text like `5MB`. The lower of this and the quota of its permissions
   * applies.
   */
  readonly storage?: number | string;
  /**
   * Bytes of files that it has written and not removed since the kernel started, or a text like
   * `100MB`.
   */
  readonly files?: number | string;
  /** Timers that may wait at once. */
  readonly timers?: number;
}

/** What all plugins of a tenant may use together. */
export type TenantLimits = Pick<ResourceLimits, 'memory' | 'messages' | 'calls' | 'storage'>;

/** What the embedder allows. */
export interface ResourcePolicy {
  /** For every plugin. */
  readonly default?: ResourceLimits;
  /** By level of `policy.trust`. */
  readonly levels?: Partial<Readonly<Record<TrustLevel, ResourceLimits>>>;
  /** By id, or prefix that ends in `*`. */
  readonly plugins?: Readonly<Record<string, ResourceLimits>>;
  readonly tenant?: TenantLimits;
  /**
   * Milliseconds over a limit after which a plugin is suspended, by whole seconds; 5 000 when
   * absent, at least 1 000, Infinity for never.
   */
  readonly patience?: number;
  /**
   * Milliseconds for which it is suspended; 10 000 when absent. With Infinity it is suspended until
   * it is resumed by name.
   */
  readonly pause?: number;
  /**
   * How often a plugin is suspended within five minutes. The next time its guest is ended. 2 when
   * absent.
   */
  readonly pauses?: number;
}

/** {@link ResourceLimits} with every value decided. Infinity means no limit. */
export type Limited = Readonly<Record<keyof ResourceLimits, number>>;

/** The shortest patience, in milliseconds, because a plugin is checked once a second. */
const SECOND = 1_000;
/** Open requests beyond which a link refuses more in any case. */
export const MAX_CALLS = 8_192;
const NONE: Limited = {
  memory: Number.POSITIVE_INFINITY,
  cpu: Number.POSITIVE_INFINITY,
  messages: Number.POSITIVE_INFINITY,
  messageSize: Number.POSITIVE_INFINITY,
  calls: MAX_CALLS,
  callTime: Number.POSITIVE_INFINITY,
  logs: 500,
  storage: Number.POSITIVE_INFINITY,
  files: 100_000_000,
  timers: Number.POSITIVE_INFINITY,
};
const NAMES = Object.keys(NONE) as (keyof ResourceLimits)[];
const TENANT: readonly string[] = ['memory', 'messages', 'calls', 'storage'];
const SIZES: ReadonlySet<string> = new Set(['memory', 'messageSize', 'storage', 'files']);
/** The limits of an untrusted plugin, when policy has levels and doesn't mention this one. */
const UNTRUSTED: ResourceLimits = {
  memory: '256MB',
  cpu: 0.9,
  messages: 20_000,
  calls: 1_024,
  logs: 100,
  timers: 1_000,
};
/** The same for a partner: generous limits, with checks. */
const PARTNER: ResourceLimits = {
  memory: '512MB',
  cpu: 0.9,
  calls: 4_096,
  logs: 250,
  timers: 10_000,
};
const DEFAULTS: Partial<Readonly<Record<TrustLevel, ResourceLimits>>> = {
  untrusted: UNTRUSTED,
  partner: PARTNER,
};
const OPTIONS: readonly string[] = [
  'default',
  'levels',
  'plugins',
  'tenant',
  'patience',
  'pause',
  'pauses',
];

/** The limits of a plugin: the lower of what policy allows and what its manifest asks for. */
export function limitsFor(
  policy: ResourcePolicy | undefined,
  { id, resources: { memory, cpu } }: Manifest,
  level: TrustLevel | undefined,
): Limited {
  const layers: (ResourceLimits | undefined)[] = [
    { ...(memory !== undefined && { memory }), ...(cpu !== undefined && { cpu }) },
    policy?.default,
    level === undefined ? undefined : (policy?.levels?.[level] ?? DEFAULTS[level]),
  ];
  for (const [pattern, limits] of Object.entries(policy?.plugins ?? {}))
    if (covers(pattern, id)) layers.push(limits);
  return least(layers);
}

/** What the plugins of a tenant may use together. */
export function tenantLimits(policy: ResourcePolicy | undefined): Limited {
  return {
    ...least([policy?.tenant]),
    ...(policy?.tenant?.calls === undefined && { calls: Number.POSITIVE_INFINITY }),
  };
}

function least(layers: readonly (ResourceLimits | undefined)[]): Limited {
  const result = { ...NONE } as Record<keyof ResourceLimits, number>;
  for (const layer of layers)
    for (const name of NAMES)
      if (layer?.[name] !== undefined)
        result[name] = Math.min(result[name], amountOf(name, layer[name]) as number);
  return result;
}

function amountOf(name: string, given: unknown): number | undefined {
  const value = SIZES.has(name) && typeof given === 'string' ? parseSize(given) : given;
  return typeof value === 'number' && value > 0 ? value : undefined;
}

/** @throws PluginConfigurationError `kernel/invalid-option`. */
export function checkResources(policy: unknown): void {
  if (policy === undefined) return;
  const at = 'policy.resources';
  for (const [key, value] of entriesOf(at, policy)) {
    if (!OPTIONS.includes(key))
      throw wrong(`${at}.${key}`, `is not an option${didYouMean(key, OPTIONS, [])}`);
    if (key === 'default' || key === 'tenant')
      checkLimits(`${at}.${key}`, value, key === 'tenant' ? TENANT : NAMES);
    else if (key === 'levels' || key === 'plugins') {
      for (const [name, limits] of entriesOf(`${at}.${key}`, value)) {
        if (key === 'levels' && !['trusted', 'partner', 'untrusted'].includes(name))
          throw wrong(`${at}.levels.${name}`, 'is not a level: trusted, partner, untrusted');
        checkLimits(`${at}.${key}.${name}`, limits, NAMES);
      }
    } else if (value === undefined) continue;
    else if (!isTime(value))
      throw wrong(
        `${at}.${key}`,
        `must be ${key === 'pauses' ? 'a number above 0' : A_TIME}, not ${messageOf(value)}`,
      );
    // Earlier versions counted in seconds. Such a small value must not mean no patience at all.
    else if (key === 'patience' && Number(value) < SECOND)
      throw wrong(
        `${at}.patience`,
        `is in milliseconds, and at least ${SECOND}: write ${Number(value) * SECOND} for ${Number(value)} seconds`,
      );
  }
}

function checkLimits(at: string, limits: unknown, names: readonly string[]): void {
  for (const [name, value] of entriesOf(at, limits)) {
    if (!names.includes(name))
      throw wrong(`${at}.${name}`, `is not a limit${didYouMean(name, names, [])}`);
    if (amountOf(name, value) === undefined)
      throw wrong(
        `${at}.${name}`,
        `must be ${SIZES.has(name) ? "a size like '5MB'" : 'a positive number'}, not ${messageOf(value)}`,
      );
  }
}

function entriesOf(at: string, value: unknown): [string, unknown][] {
  if (!isObject(value)) throw wrong(at, 'must be an object');
  return Object.entries(value);
}

function wrong(option: string, what: string): Error {
  return createError('kernel/invalid-option', `'${option}' ${what}`, { details: { option } });
}
