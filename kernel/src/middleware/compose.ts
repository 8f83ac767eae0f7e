/** The middleware chain: a fold of layers around a call, nothing async of its own. */
import { asPromise, createError } from '@plinth/sdk/contract';
import { blame, type LayerName } from '../calls/layers.js';
import type { Metrics } from '../telemetry/metrics.js';

/** Runs the next layer. Without an argument, the input stays as it is. */
export type Proceed = (changed?: unknown) => Promise<unknown>;

/** One layer; `next` runs the rest of the chain, once. */
export interface Layer<Call> {
  /** The name used in errors about this layer. */
  readonly name: string;
  /** Plugin id, or `host`. */
  readonly owner: string;
  run(call: Call, input: unknown, next: Proceed): unknown;
}

/** The innermost part of a chain: the work itself. */
export interface Wrapped {
  /** All layers around it. */
  layers: readonly LayerName[] | undefined;
  /** The innermost layer that was entered and has not called `next`. */
  within: LayerName | undefined;
  proceed(input: unknown): Promise<unknown>;
}

/** A composed chain: runs the layers, then the work. */
export type Chain<Call> = (call: Call, input: unknown) => Promise<unknown>;

/**
 * Composes layers, the first outermost. A second `next()` of one layer is an error that names it.
 *
 * @param watch runs before all layers.
 */
export function compose<Call extends Wrapped>(
  layers: readonly Layer<Call>[],
  metrics: Metrics,
  watch?: (call: Call) => void,
): Chain<Call> {
  return (call, input) => {
    call.layers = layers;
    watch?.(call);
    return enter(layers, 0, call, input, metrics);
  };
}

function enter<Call extends Wrapped>(
  layers: readonly Layer<Call>[],
  index: number,
  call: Call,
  input: unknown,
  metrics: Metrics,
): Promise<unknown> {
  const layer = layers[index];
  call.within = layer;
  if (layer === undefined) return call.proceed(input);
  let called = false;
  // One closure a layer is what a chain costs; a rest parameter would add a list.
  function next(changed?: unknown): Promise<unknown> {
    if (called)
      return Promise.reject(
        createError(
          'middleware/next-twice',
          `${(layer as Layer<Call>).name} called next() twice`,
          blame(layer as Layer<Call>),
        ),
      );
    called = true;
    // biome-ignore lint/complexity/noArguments: next(undefined) changes the input, next() keeps it.
    return enter(layers, index + 1, call, arguments.length === 0 ? input : changed, metrics);
  }
  metrics.middlewareRuns += 1;
  try {
    const result = layer.run(call, input, next);
    return asPromise(result) ?? Promise.resolve(result);
  } catch (error) {
    return Promise.reject(error);
  }
}
