/** The middleware chain: a fold of layers around a call, nothing async of its own. */
import { createError, isPromiseLike } from '@plinth/sdk/contract';
import type { Metrics } from '../telemetry/metrics.js';

/** Goes on to the next layer, with the input as it is when none is given. */
export type Proceed = (changed?: unknown) => Promise<unknown>;

/** One layer; `next` runs the rest of the chain, once. */
export interface Layer<Call> {
  /** Who is at fault when it misbehaves. */
  readonly name: string;
  run(call: Call, input: unknown, next: Proceed): unknown;
}

/** What a chain ends in: the work itself. */
export interface Wrapped {
  proceed(input: unknown): Promise<unknown>;
}

/** A composed chain: runs the layers, then the work. */
export type Chain<Call> = (call: Call, input: unknown) => Promise<unknown>;

/** Composes layers, the first outermost. A second `next()` of one layer is an error that names it. */
export function compose<Call extends Wrapped>(layers: readonly Layer<Call>[], metrics: Metrics): Chain<Call> {
  return (call, input) => enter(layers, 0, call, input, metrics);
}

function enter<Call extends Wrapped>(layers: readonly Layer<Call>[], index: number, call: Call, input: unknown, metrics: Metrics): Promise<unknown> {
  const layer = layers[index];
  if (layer === undefined) return call.proceed(input);
  let called = false;
  // One closure a layer is what a chain costs; a rest parameter would add a list.
  function next(changed?: unknown): Promise<unknown> {
    if (called) return Promise.reject(createError('middleware/next-twice', `${(layer as Layer<Call>).name} called next() twice`, { plugin: (layer as Layer<Call>).name }));
    called = true;
    // biome-ignore lint/complexity/noArguments: next(undefined) changes the input, next() keeps it.
    return enter(layers, index + 1, call, arguments.length === 0 ? input : changed, metrics);
  }
  metrics.middlewareRuns += 1;
  try {
    const result = layer.run(call, input, next);
    return isPromiseLike(result) ? (result as Promise<unknown>) : Promise.resolve(result);
  } catch (error) {
    return Promise.reject(error);
  }
}
