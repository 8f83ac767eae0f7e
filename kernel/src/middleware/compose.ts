/** Folds middleware into one function: an onion whose layers each run once. */
import { createError, isPromiseLike } from '@plinth/sdk/contract';

/** One layer: gets the input and what comes next. */
export interface Layer<Call> {
  /** Who it belongs to, for messages. */
  readonly name: string;
  run(call: Call, input: unknown, next: (input: unknown) => Promise<unknown>): unknown;
}

/** A composed chain: runs the layers, then the terminal. */
export type Chain<Call> = (call: Call, input: unknown, terminal: (input: unknown) => Promise<unknown>) => Promise<unknown>;

/** Composes layers, the first outermost. A second `next()` of one layer is an error that names it. */
export function compose<Call>(layers: readonly Layer<Call>[]): Chain<Call> {
  return (call, input, terminal) => {
    const dispatch = (index: number, value: unknown): Promise<unknown> => {
      const layer = layers[index];
      if (layer === undefined) return terminal(value);
      let called = false;
      const next = (changed: unknown): Promise<unknown> => {
        if (called) return Promise.reject(createError('middleware/next-twice', `${layer.name} called next() twice`, { plugin: layer.name }));
        called = true;
        return dispatch(index + 1, changed);
      };
      try {
        const result = layer.run(call, value, next);
        return isPromiseLike(result) ? (result as Promise<unknown>) : Promise.resolve(result);
      } catch (error) {
        return Promise.reject(error);
      }
    };
    return dispatch(0, input);
  };
}
