/** Which middleware wraps which command or event. Chains are composed once per id and forgotten when the set changes. */
import { covers, createError, disposable, isPattern } from '@plinth/sdk/contract';
import type { KernelCall } from '../commands/call.js';
import type { Metrics } from '../telemetry/metrics.js';
import { type Chain, compose, type Layer } from './compose.js';
import { order, type Ordered } from './order.js';

/** What can be wrapped. */
export type MiddlewareKind = 'command' | 'event';

interface Registration extends Layer<KernelCall>, Ordered {
  readonly kind: MiddlewareKind;
}

const MAX_REMEMBERED = 4_096;

/** A layer, and which others it stands around or inside of. */
export type PlacedLayer = Layer<KernelCall> & Partial<Pick<Ordered, 'before' | 'after'>>;

/**
 * Owns the middleware of a kernel: the host's outermost, then by plugin in the order of discovery, then of registration, unless
 * they say otherwise.
 */
export class MiddlewareChains {
  readonly #registrations = new Set<Registration>();
  readonly #chains = new Map<string, Chain<KernelCall> | undefined>();
  readonly #metrics: Metrics;

  readonly #rank: (owner: string) => number;

  /** Told when the set of layers has changed. */
  onChange: (() => void) | undefined = undefined;

  constructor(metrics: Metrics, rank: (owner: string) => number) {
    this.#metrics = metrics;
    this.#rank = rank;
  }

  /**
   * Adds a layer around what a target covers; `command:<id>` or `event:<topic>`, whose end may be `*`.
   *
   * @throws PluginValidationError `permission/invalid` when the target is malformed, PluginConfigurationError
   * `middleware/cycle`.
   */
  use(target: string, layer: PlacedLayer): Disposable & { dispose(): void } {
    const { kind, pattern } = parseTarget(target);
    const { name, owner, before = [], after = [] } = layer;
    const registration: Registration = { name, owner, before, after, kind, pattern, run: (call, input, next) => layer.run(call, input, next) };
    order([...this.#registrations, registration].filter((one) => one.kind === kind));
    this.#registrations.add(registration);
    this.#chains.clear();
    this.onChange?.();
    return disposable(() => {
      this.#registrations.delete(registration);
      this.#chains.clear();
    });
  }

  /** The chain around an id, or undefined when nothing wraps it. */
  of(kind: MiddlewareKind, id: string): Chain<KernelCall> | undefined {
    if (this.#registrations.size === 0) return undefined;
    const key = kind === 'command' ? id : `event ${id}`;
    if (this.#chains.has(key)) return this.#chains.get(key);
    const layers = order([...this.#registrations].filter((one) => one.kind === kind && covers(one.pattern, id)).sort((a, b) => this.#rank(a.owner) - this.#rank(b.owner)));
    const chain = layers.length === 0 ? undefined : compose(layers, this.#metrics);
    if (this.#chains.size >= MAX_REMEMBERED) this.#chains.clear();
    this.#chains.set(key, chain);
    return chain;
  }
}

/** Splits `command:com.example.auth:*` into its kind and pattern. */
export function parseTarget(target: string): { readonly kind: MiddlewareKind; readonly pattern: string } {
  const colon = target.indexOf(':');
  const kind = target.slice(0, colon);
  const pattern = target.slice(colon + 1);
  if ((kind !== 'command' && kind !== 'event') || !isPattern(pattern)) {
    throw createError('permission/invalid', `'${target.slice(0, 80)}' is not a middleware target: write 'command:<id>' or 'event:<topic>', the end may be '*'`);
  }
  return { kind, pattern };
}
