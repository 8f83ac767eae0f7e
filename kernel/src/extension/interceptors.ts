/**
 * The layers of extensions around commands, hooks and events. An interceptor is asked once for each
 * target. An interceptor without interest adds no cost to calls.
 */

import { asPromise, createError, disposable, messageOf, ownerOf } from '@plinth/sdk/contract';
import { Call } from '../calls/call.js';
import type { KernelCall } from '../calls/kernel-call.js';
import { heard, refuseLater } from '../contained.js';
import type { Around, AroundLayers } from '../middleware/chains.js';
import type { Layer } from '../middleware/compose.js';
import { CallFacade, Watched } from './call-facade.js';
import { checkKind, checkShape } from './check-arguments.js';
import type { Interceptor, Interest, Observer, Wrapper } from './interest.js';
import type { MiddlewareView, Registered, TargetView } from './views.js';

/** Receives an error of an extension's own code. */
export type Report = (extension: string, what: string, error: unknown) => void;

interface Registration {
  readonly extension: string;
  readonly interceptor: Interceptor;
}

/** Makes a middleware one that is observed. */
type Each = (middleware: Layer<KernelCall>) => Layer<KernelCall>;

/** Owns the interceptors of a tenant, in the order of the extensions, then of registration. */
export class Interceptors implements Around {
  /** In order. */
  #all: readonly Registration[] = [];
  readonly #report: Report;
  readonly #rank: (extension: string) => number;
  /** Called when targets have to be asked again. */
  onChange: () => void = () => {};

  constructor(rank: (extension: string) => number, report: Report) {
    this.#rank = rank;
    this.#report = report;
  }

  /** Whether there are any. */
  get any(): boolean {
    return this.#all.length > 0;
  }

  /** @throws PluginConfigurationError `kernel/invalid-option`. */
  add(extension: string, interceptor: Interceptor): Registered & { changed(): void } {
    checkInterceptor(extension, interceptor);
    const registration = { extension, interceptor };
    this.#all = [...this.#all, registration].sort(
      (one, other) => this.#rank(one.extension) - this.#rank(other.extension),
    );
    this.onChange();
    const registered = disposable(() => {
      this.#all = this.#all.filter((one) => one !== registration);
      this.onChange();
    });
    return Object.assign(registered, { changed: () => this.onChange() });
  }

  /** The layers around a target, with its middleware between those outside and inside of it. */
  around(
    kind: TargetView['kind'],
    id: string,
    middleware: readonly Layer<KernelCall>[],
  ): AroundLayers {
    if (!this.any) return { watch: undefined, layers: middleware, lasting: true };
    const target: TargetView = Object.freeze({ kind, id, owner: ownerOf(id) });
    const watches: AroundLayers['watch'][] = [];
    const outside: Layer<KernelCall>[] = [];
    const wrappers: (readonly [string, Wrapper])[] = [];
    const inside: Layer<KernelCall>[] = [];
    let each: Each = (layer) => layer;
    let lasting = true;
    for (const { extension, interceptor } of this.#all) {
      const { kinds, place } = interceptor;
      if (kinds !== undefined && !kinds.includes(kind)) continue;
      let interest: Interest | undefined;
      try {
        interest = interestIn(interceptor.for(target));
      } catch (cause) {
        // The policy that it would have returned is unknown, and a policy is not skipped.
        lasting = false;
        outside.push(broken(extension, target, cause));
        continue;
      }
      if (interest === undefined) continue;
      if (interest.interest === 'observer') {
        const observer = interest as Observer;
        if (place === 'outside') watches.push(this.#watching(extension, target, observer));
        else if (place === 'inside') inside.push(this.#observing(extension, target, observer));
        else each = this.#observingEach(extension, target, observer, each);
      } else if (place === 'outside')
        outside.push(wrapping(extension, target, interest as Wrapper));
      else if (place === 'inside') wrappers.push([extension, interest as Wrapper]);
      else outside.push(broken(extension, target, new Error('only observers stand there')));
    }
    if (wrappers.length > 0) inside.push(attempting(target, wrappers));
    return {
      watch: together(watches),
      layers: [...outside, ...middleware.map(each), ...inside],
      lasting,
    };
  }

  /** Observes whole calls. It costs less than a layer. */
  #watching(extension: string, target: TargetView, observer: Observer): AroundLayers['watch'] {
    const failed = this.#failed(extension, target);
    return (call) => {
      // Its end would not be told.
      if (!call.over) call.watch = new Watched(call, target, failed, observer, call.watch);
    };
  }

  #failed(extension: string, { id }: TargetView): (error: unknown) => void {
    return (error) => this.#report(extension, `failed while it observed ${id}`, error);
  }

  #observing(extension: string, target: TargetView, observer: Observer): Layer<KernelCall> {
    const observe = this.#observed(target, this.#failed(extension, target), observer);
    return { name: extension, owner: 'host', run: (call, _input, next) => observe(call, next) };
  }

  /**
   * Observes each middleware, which stays what it is for errors.
   *
   * @param around what observes it already, from further outside.
   */
  #observingEach(extension: string, target: TargetView, observer: Observer, around: Each): Each {
    const failed = this.#failed(extension, target);
    return (layer) => {
      const { name, owner } = layer;
      const observe = this.#observed(target, failed, observer, { name, owner });
      return around({
        ...layer,
        run: (call, input, next) => observe(call, () => layer.run(call, input, next)),
      });
    };
  }

  /** Only observes work for a call. Its errors are logged, and the call continues. */
  #observed(
    target: TargetView,
    failed: (error: unknown) => void,
    observer: Observer,
    middleware?: MiddlewareView,
  ): (call: KernelCall, work: () => unknown) => Promise<unknown> {
    return (call, work) => {
      const view = new CallFacade(call, target, failed, middleware);
      const started = performance.now();
      let token: unknown;
      try {
        token = observer.start(view);
        heard(token, failed);
      } catch (error) {
        failed(error);
      }
      const over = (ok: boolean, value: unknown) => {
        try {
          const outcome = { ok, value, took: performance.now() - started };
          heard(observer.end(view, outcome, token), failed);
        } catch (error) {
          failed(error);
        }
      };
      const result = settled(work);
      result.then(
        (value) => over(true, value),
        (error: unknown) => over(false, error),
      );
      return result;
    };
  }
}

/** What work answers or throws, as a promise. */
function settled(work: () => unknown): Promise<unknown> {
  try {
    const result = work();
    return asPromise(result) ?? Promise.resolve(result);
  } catch (error) {
    return Promise.reject(error);
  }
}

/**
 * Undefined for no interest.
 *
 * @throws TypeError for what is none: it may be a policy that is meant, and one is not skipped.
 */
function interestIn(answer: unknown): Interest | undefined {
  if (answer === undefined || answer === null) return undefined;
  refuseLater(answer, "'for'");
  const { interest } = answer as Partial<Interest>;
  if (interest === 'observer' || interest === 'wrapper') return answer as Interest;
  throw new TypeError("'for' answers what observer() or wrapper() has made, or undefined");
}

/** @throws PluginConfigurationError `kernel/invalid-option`. */
function checkInterceptor(extension: string, interceptor: Interceptor): void {
  const where = `intercept() of the extension '${extension}'`;
  checkShape(where, interceptor, { kinds: 'object?', place: PLACES, for: 'function' });
  for (const kind of [interceptor.kinds ?? []].flat())
    checkKind(where, 'each of its kinds', kind, KINDS);
}

const KINDS: readonly TargetView['kind'][] = ['command', 'hook', 'event'];
const PLACES: readonly Interceptor['place'][] = ['outside', 'middleware', 'inside'];

const ignore = (): void => {};

/** Several as one. */
function together(watches: readonly AroundLayers['watch'][]): AroundLayers['watch'] {
  if (watches.length < 2) return watches[0];
  return (call) => {
    for (const watch of watches) watch?.(call);
  };
}

/** A wrapper outside of all middleware. It runs once for each call. */
const wrapping = (extension: string, target: TargetView, wrapper: Wrapper): Layer<KernelCall> => ({
  name: extension,
  owner: 'host',
  run: (call, input, next) => wrapper.run(new CallFacade(call, target, ignore), input, next),
});

/**
 * Wrappers next to the handler. Each `next` of the innermost is one attempt, which is a call of its
 * own.
 */
function attempting(
  target: TargetView,
  wrappers: readonly (readonly [string, Wrapper])[],
): Layer<KernelCall> {
  return {
    name: wrappers.map(([extension]) => extension).join(', '),
    owner: 'host',
    run: (call, input) => {
      const view = new CallFacade(call, target, ignore);
      const enter = (index: number, value: unknown): Promise<unknown> => {
        const wrapper = wrappers[index]?.[1];
        if (wrapper === undefined) return attempt(call, value);
        return settled(() => wrapper.run(view, value, (changed) => enter(index + 1, changed)));
      };
      return enter(0, input);
    },
  };
}

/** Attempts are part of one call, and only the call is counted and announced. */
function attempt(call: KernelCall, input: unknown): Promise<unknown> {
  const { target } = call;
  const services = { ...target.services, settled: ignore };
  const one = new Call({ ...target, counter: undefined, services }, call.caller, {
    parent: call,
    onProgress: (value) => call.progress(value),
  });
  one.route = call.route;
  one.parse = call.parse;
  target.provider(one, input);
  return one.promise;
}

const broken = (extension: string, { id }: TargetView, cause: unknown): Layer<KernelCall> => ({
  name: extension,
  owner: 'host',
  run: () => {
    throw createError(
      'extension/failed',
      `the extension '${extension}' could not say what it does with ${id}: ${messageOf(cause)}`,
      { details: { extension, target: id }, cause },
    );
  },
});
