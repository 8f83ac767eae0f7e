/**
 * Decides which middleware wraps which command or event. A chain is composed once per id, and
 * dropped when the set of middleware changes.
 */
import { covers, createError, disposable, isPattern } from '@plinth/sdk/contract';
import type { KernelCall } from '../calls/kernel-call.js';
import type { Absence } from '../calls/layers.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { AbsentGuards } from './absent-guards.js';
import { type Chain, compose, type Layer } from './compose.js';
import { type Ordered, order } from './order.js';

/** What can be wrapped. */
export type MiddlewareKind = 'command' | 'event';

interface Registration extends Layer<KernelCall>, Ordered {
  readonly kind: MiddlewareKind;
}

/** The layers of extensions around a target. */
export interface Around {
  readonly any: boolean;
  /** @param middleware of the target, the outermost first. */
  around(
    kind: MiddlewareKind | 'hook',
    id: string,
    middleware: readonly Layer<KernelCall>[],
  ): AroundLayers;
}

/** All layers around one target: those of extensions, and the middleware between them. */
export interface AroundLayers {
  /** Observes a call from before all layers to its end. */
  readonly watch: ((call: KernelCall) => void) | undefined;
  readonly layers: readonly Layer<KernelCall>[];
  /** Whether the result is valid for the next call, too. */
  readonly lasting: boolean;
}

const MAX_REMEMBERED = 4_096;

/** A layer, with its position relative to others. */
export type PlacedLayer = Layer<KernelCall> & Partial<Pick<Ordered, 'before' | 'after'>>;

/**
 * Owns the middleware of a kernel. The host's middleware is outermost. Plugins follow in the order
 * of discovery, then of registration, unless they say otherwise.
 */
export class MiddlewareChains {
  readonly #registrations = new Set<Registration>();
  /**
   * By kind, as a command may have any id. `null` where nothing wraps an id, so that one lookup is
   * enough.
   */
  readonly #chains: Readonly<
    Record<MiddlewareKind | 'hook', Map<string, Chain<KernelCall> | null>>
  > = { command: new Map(), event: new Map(), hook: new Map() };
  readonly #metrics: Metrics;
  readonly #rank: (owner: string) => number;
  readonly #guards: AbsentGuards;
  readonly #around: Around;
  /** Counts the changes of the set of layers. */
  #changes = 0;

  /** Called when the set of layers has changed. */
  onChange: (() => void) | undefined = undefined;

  constructor(
    metrics: Metrics,
    rank: (owner: string) => number,
    guards: AbsentGuards,
    around: Around,
  ) {
    this.#metrics = metrics;
    this.#rank = rank;
    this.#guards = guards;
    this.#around = around;
  }

  /**
   * The set of absent guards has changed. Chains are composed again, and calls whose guard is back
   * continue.
   */
  review(): void {
    this.#guards.forget();
    this.#clear();
    this.onChange?.();
    this.#guards.release();
  }

  /** Why a plugin whose middleware waits can't answer. */
  absenceOf(plugin: string): Absence {
    return this.#guards.absenceOf(plugin);
  }

  /**
   * Adds a layer around the ids that a target covers: `command:<id>` or `event:<topic>`, whose end
   * may be `*`.
   *
   * @throws PluginValidationError `permission/invalid` when the target is malformed,
   * PluginConfigurationError `middleware/cycle`.
   */
  use(target: string, layer: PlacedLayer): Disposable & { dispose(): void } {
    const { kind, pattern } = parseTarget(target);
    const { name, owner, before = [], after = [] } = layer;
    const registration: Registration = {
      name,
      owner,
      before,
      after,
      kind,
      pattern,
      run: (call, input, next) => layer.run(call, input, next),
    };
    order([...this.#registrations, registration].filter((one) => one.kind === kind));
    this.#registrations.add(registration);
    this.#clear();
    this.onChange?.();
    return disposable(() => {
      this.#registrations.delete(registration);
      this.#clear();
    });
  }

  /**
   * Whether calls of an id may wait for a guard. Then their handler is looked up when they
   * continue.
   */
  waits(kind: MiddlewareKind, id: string): boolean {
    return this.#guards.any && this.#guards.concerns(kind, id);
  }

  /** The chain around an id, or undefined when nothing wraps it. */
  of(kind: MiddlewareKind, id: string): Chain<KernelCall> | undefined {
    if (this.#registrations.size === 0 && !this.#guards.any && !this.#around.any) return undefined;
    const known = this.#chains[kind].get(id);
    if (known !== undefined) return known ?? undefined;
    const asked = this.#changes;
    const middleware = order(
      [...this.#registrations]
        .filter((one) => one.kind === kind && covers(one.pattern, id))
        .sort((a, b) => this.#rank(a.owner) - this.#rank(b.owner)),
    );
    const { watch, layers, lasting } = this.#around.around(kind, id, middleware);
    const composed = this.#compose(layers, watch);
    const chain = this.waits(kind, id) ? this.#guarded(kind, id, composed) : composed;
    if (lasting) this.#remember(kind, id, chain, asked);
    return chain;
  }

  /**
   * Continues a call that has waited in front of a plugin's middleware, and can't wait there any
   * more. It passes a plugin that guards its id no more, and waits for one that is absent.
   *
   * @param why what the call is rejected with where the plugin is there and refuses it.
   */
  goOn(
    [kind, owner]: readonly [MiddlewareKind, string],
    call: KernelCall,
    input: unknown,
    next: (input?: unknown) => Promise<unknown>,
    why: Error,
  ): Promise<unknown> {
    const { id } = call;
    const standing = this.#guards.standing(owner, kind, id);
    if (standing === 'none') return next(input);
    if (standing === 'present') return Promise.reject(why);
    const meant = (plugin: string) => plugin === owner;
    // By then it has middleware again, or is passed.
    const again = () =>
      order([...this.#registrations].filter((one) => one.kind === kind && covers(one.pattern, id)))
        .filter((one) => one.owner === owner)
        .reduceRight<(input?: unknown) => Promise<unknown>>(
          (inner, layer) => async (value) => {
            call.within = layer;
            return layer.run(call, value, inner);
          },
          next,
        )(input);
    const callers = callersOf(call);
    if (this.#guards.missing(kind, id, callers, meant) === undefined) return again();
    return new Promise((resolve, reject) => {
      call.onCancel(reject);
      const go = () => resolve(again());
      const waiter = { kind, id, callers, meant, over: () => call.over, go, fail: reject };
      if (!this.#guards.wait(waiter)) reject(why);
    });
  }

  /** The layers of extensions around the handlers of a hook. Undefined when there are none. */
  ofHook(id: string): Chain<KernelCall> | undefined {
    if (!this.#around.any) return undefined;
    const known = this.#chains.hook.get(id);
    if (known !== undefined) return known ?? undefined;
    const asked = this.#changes;
    const { watch, layers, lasting } = this.#around.around('hook', id, []);
    const chain = this.#compose(layers, watch);
    if (lasting) this.#remember('hook', id, chain, asked);
    return chain;
  }

  /** The interests of extensions have changed. */
  forget(): void {
    this.#clear();
    this.onChange?.();
  }

  #compose(
    layers: readonly Layer<KernelCall>[],
    watch: AroundLayers['watch'],
  ): Chain<KernelCall> | undefined {
    if (layers.length === 0 && watch === undefined) return undefined;
    return compose(layers, this.#metrics, watch);
  }

  /** @param asked when the extensions were asked, one of which may have added another layer. */
  #remember(
    kind: MiddlewareKind | 'hook',
    id: string,
    chain: Chain<KernelCall> | undefined,
    asked: number,
  ): void {
    if (asked !== this.#changes) return;
    const chains = this.#chains[kind];
    if (chains.size >= MAX_REMEMBERED) chains.clear();
    chains.set(id, chain ?? null);
  }

  #clear(): void {
    this.#changes += 1;
    for (const chains of Object.values(this.#chains)) chains.clear();
  }

  /**
   * A chain for an id with an absent guard. The call waits until the guard is back, and then runs
   * through the chain as it is by then. A guard that can't answer must not let calls pass.
   */
  #guarded(
    kind: MiddlewareKind,
    id: string,
    composed: Chain<KernelCall> | undefined,
  ): Chain<KernelCall> {
    const run = (chain: Chain<KernelCall> | undefined, call: KernelCall, input: unknown) => {
      call.within = undefined;
      return chain === undefined ? call.proceed(input) : chain(call, input);
    };
    return (call, input) => {
      const callers = callersOf(call);
      const missing = this.#guards.missing(kind, id, callers);
      if (missing === undefined) return run(composed, call, input);
      call.within = missing;
      return new Promise((resolve, reject) => {
        call.onCancel(reject);
        const go = () => resolve(run(this.of(kind, id), call, input));
        if (this.#guards.wait({ kind, id, callers, over: () => call.over, go, fail: reject }))
          return;
        reject(
          createError('call/overloaded', `too many calls wait for the middleware ${missing.name}`, {
            plugin: missing.owner,
            details: { middleware: missing.name },
          }),
        );
      });
    };
  }
}

/** The plugins in the call chain of a call. */
export function callersOf(call: KernelCall): ReadonlySet<string> {
  const ids = new Set<string>();
  for (let one: KernelCall | undefined = call; one !== undefined; one = one.parent)
    if (one.caller.kind === 'plugin') ids.add(one.caller.id);
  return ids;
}

/** Splits `command:com.example.auth:*` into its kind and pattern. */
export function parseTarget(target: string): {
  readonly kind: MiddlewareKind;
  readonly pattern: string;
} {
  const text = String(target);
  const colon = text.indexOf(':');
  const kind = text.slice(0, colon);
  const pattern = text.slice(colon + 1);
  if ((kind !== 'command' && kind !== 'event') || !isPattern(pattern)) {
    throw createError(
      'permission/invalid',
      `'${text.slice(0, 80)}' is not a middleware target: write 'command:<id>' or 'event:<topic>', the end may be '*'`,
    );
  }
  return { kind, pattern };
}
