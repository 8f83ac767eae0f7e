/** Which middleware wraps which command or event. Chains are composed once per id and forgotten when the set changes. */
import { covers, createError, disposable, isPattern } from '@plinth/sdk/contract';
import type { KernelCall } from '../commands/call.js';
import type { Metrics } from '../telemetry/metrics.js';
import { type Chain, compose, type Layer } from './compose.js';

/** What can be wrapped. */
export type MiddlewareKind = 'command' | 'event';

interface Registration extends Layer<KernelCall> {
  readonly kind: MiddlewareKind;
  readonly pattern: string;
}

const MAX_REMEMBERED = 4_096;

/** Owns the middleware of a kernel: the host's outermost, then by plugin in the order of discovery, then of registration. */
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
   * @throws PluginValidationError `permission/invalid` when the target is malformed.
   */
  use(target: string, layer: Layer<KernelCall>): Disposable & { dispose(): void } {
    const { kind, pattern } = parseTarget(target);
    const registration: Registration = { name: layer.name, kind, pattern, run: (call, input, next) => layer.run(call, input, next) };
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
    const layers = [...this.#registrations].filter((one) => one.kind === kind && covers(one.pattern, id)).sort((a, b) => this.#rank(a.name) - this.#rank(b.name));
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
