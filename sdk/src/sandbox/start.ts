/**
 * The wall around a guest of hardened JavaScript: the part that runs outside its compartments. It
 * knows only the endpoint. The guest runtime itself is inside, so that taking it over gains
 * nothing.
 */

import { hideGlobals } from '../guest/globals.js';
import type { BootedGuest } from '../guest/guest-options.js';
import type { ContextPort } from '../guest/handler-call.js';
import { refusedImport } from '../guest/refused-import.js';
import { functorOf } from '../pack/functor-steps.js';
import { inSlices } from '../pack/slices.js';
import type { Endpoint, MessageEventLike } from '../rpc/endpoint.js';
import { type Harden, takeEndowments } from './endowments.js';
import type { Inside } from './inside.js';

/** A compartment of hardened JavaScript. */
interface CompartmentLike {
  readonly globalThis: Record<string, unknown>;
  evaluate(text: string): unknown;
}

/** What `ses` adds to the global object. */
interface Hardened {
  lockdown(options: object): void;
  readonly Compartment: new (options: object) => CompartmentLike;
  readonly harden: Harden;
}

/** How a guest is started. */
export interface StartOptions {
  /** Text of the guest runtime: an expression whose value has `start`. */
  readonly runtime: string;
  readonly endpoint: Endpoint;
  defer(task: () => void): void;
  /** Creates what carries a handler's context across its awaits, where the runtime can. */
  context?(): ContextPort;
  /** Whether its code is hardened. If not, only the platform isolates it. */
  readonly hardened: boolean;
}

type Start = (inside: Inside) => BootedGuest;

/**
 * Starts a guest in this realm, which belongs to it alone. Call it once, before any foreign code
 * has run.
 */
export function startSandbox(options: StartOptions): BootedGuest {
  const guest = options.hardened ? startHardened(options) : startPlain(options);
  // A guest that waits for its plugin has its converter compiled by then.
  options.defer(() => void toFunctor(SAMPLE, options.defer));
  return guest;
}

/** A bundle with a token of each kind. */
const SAMPLE = [
  'const n = 1; /* a */ let s = `a$',
  '{n}b`, r = /[a-z]/.test("a"); // b',
  '\nexport default { s, r };',
].join('');

/** Every option is given, because missing ones are read from the environment. */
const LOCKDOWN = {
  errorTaming: 'unsafe',
  consoleTaming: 'unsafe',
  overrideTaming: 'severe',
  stackFiltering: 'omit-frames',
  localeTaming: 'unsafe',
  regExpTaming: 'safe',
  evalTaming: 'safe-eval',
  domainTaming: 'unsafe',
  errorTrapping: 'none',
  unhandledRejectionTrapping: 'none',
  reporting: 'none',
} as const;

function startHardened({ runtime, endpoint, defer, context }: StartOptions): BootedGuest {
  (globalThis as unknown as Hardened).lockdown(LOCKDOWN);
  // Read after the lockdown: the former Compartment would expose this realm's own Error and RegExp.
  const { Compartment, harden } = globalThis as unknown as Hardened;
  const endowments = takeEndowments(globalThis, harden);
  const carried = context?.();
  const outside = harden({
    endpoint: guarded(endpoint),
    defer: (task: () => void) => defer(() => task()),
    ...(carried !== undefined && {
      context: () => harden({ run: carried.run, current: carried.current }),
    }),
  });
  // The rest of the realm is no longer needed.
  hideGlobals(globalThis, { wasm: false, code: '' });
  const make = () => {
    const compartment = new Compartment({
      __options__: true,
      globals: endowments,
      transforms: [refuseImports],
    });
    for (const name of ['Compartment', 'lockdown', 'harden', 'ModuleSource'])
      delete compartment.globalThis[name];
    compartment.globalThis.self = compartment.globalThis;
    return compartment;
  };
  const forPlugin = make();
  const { start } = evaluateIn(make(), runtime) as { start: Start };
  const evaluate = harden(async (code: string, name: string) => {
    const functor = await toFunctor(String(code), defer);
    const exports = {};
    await (evaluateIn(forPlugin, functor, name) as (exports: object) => Promise<void>)(exports);
    return exports;
  });
  return start({ ...outside, evaluate, scope: forPlugin.globalThis });
}

function startPlain({ runtime, endpoint, defer, context }: StartOptions): BootedGuest {
  // biome-ignore lint/security/noGlobalEval: this realm exists only to evaluate one plugin.
  const run = globalThis.eval as (text: string) => unknown;
  const { start } = run(`(${runtime}\n)`) as { start: Start };
  const evaluate = async (code: string, name: string) => {
    const functor = await toFunctor(code, defer);
    // No foreign code has run until now.
    hideGlobals(globalThis, { wasm: false, code: functor });
    const exports = {};
    await (run(`(${functor}\n)${sourceUrl(name)}`) as (exports: object) => Promise<void>)(exports);
    return exports;
  };
  return start({ endpoint, defer, evaluate, scope: globalThis, ...(context && { context }) });
}

/**
 * A bundle becomes a functor here, not in the kernel: how long that takes is up to the bundle, and
 * this thread is its plugin's own. It stays responsive meanwhile.
 */
const toFunctor = (code: string, defer: StartOptions['defer']): Promise<string> =>
  inSlices(
    functorOf(code, (what) => new TypeError(inWords(what))),
    () => new Promise((resolve) => defer(resolve)),
  );

/** The same words as in a worker, where the engine refuses imports. */
function inWords(what: string): string {
  const source = /^it (?:im|re-ex)ports ["'](.*)["']$/.exec(what)?.[1];
  return source === undefined ? `${what}: bundle it into one file` : refusedImport(source);
}

/** Only these three functions, with no access to the endpoint behind them. */
function guarded(endpoint: Endpoint): Endpoint {
  const listeners = new Map<unknown, (event: MessageEventLike) => void>();
  return {
    postMessage: (message, transfer) => endpoint.postMessage(message, transfer),
    addEventListener(type, listener) {
      const heard = ({ data }: MessageEventLike) => listener({ data });
      listeners.set(listener, heard);
      endpoint.addEventListener(type, heard);
    },
    removeEventListener(type, listener) {
      const heard = listeners.get(listener);
      listeners.delete(listener);
      if (heard !== undefined) endpoint.removeEventListener(type, heard);
    },
  };
}

/**
 * Refuses `import.source(…)` and the like, which hardened JavaScript doesn't look for and which
 * reach the real loader.
 */
function refuseImports(text: string): string {
  if (/(?:^|[^.]|\.\.\.)\bimport\s*(?:\.|\(|\/[/*])/.test(text))
    throw new SyntaxError('import() is not available to plugins');
  return text;
}

/**
 * A name that can be a parameter. Global names are looked up in a proxy, which is many times
 * slower.
 */
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

function evaluateIn(compartment: CompartmentLike, expression: string, name = ''): unknown {
  const scope = compartment.globalThis;
  const names = Object.getOwnPropertyNames(scope).filter(
    (one) => IDENTIFIER.test(one) && one !== 'eval' && one !== 'arguments',
  );
  const make = compartment.evaluate(
    `(function(${names.join()}){"use strict";return ${expression}\n})${sourceUrl(name)}`,
  ) as (...values: unknown[]) => unknown;
  return make(...names.map((one) => scope[one]));
}

const sourceUrl = (name: string): string =>
  /^[\w.@:/?+-]{1,300}$/.test(name) ? `\n//# sourceURL=${name}` : '';
