/** The facts about an extension that are known without running it, and the types that follow. */
import type { Power } from './power.js';

/** An event of an extension, for its `events`. It only carries a type. */
export interface Fact<P> {
  readonly payload?: P;
}

/**
 * Declares the payload of one of an extension's events.
 *
 * @example
 * const statics = { name: 'jobs', uses: ['events'], events: { 'jobs:done': fact<{ id: string }>() } };
 */
export const fact = <P>(): Fact<P> => FACT;
const FACT: Fact<never> = Object.freeze({});

/** Events of an extension by topic; each begins with the extension's name. */
export type FactMap = Readonly<Record<`${string}:${string}`, Fact<unknown>>>;

/** The facts about an extension that are known without running it. */
export interface Statics {
  /**
   * Unique in a kernel. It is also the extension's name in `before` and `after`, in its documents,
   * topics and log entries.
   */
  readonly name: string;
  /** The powers that it uses. Its port has these and no others. */
  readonly uses: readonly Power[];
  /** Extensions that must be installed. They come before it in the order. */
  readonly requires?: readonly AnyFactory[];
  /** Names of extensions that come after it, if they are installed. */
  readonly before?: readonly string[];
  /** Names of extensions that come before it, if they are installed. */
  readonly after?: readonly string[];
  /**
   * Features that `requiredFeatures` of a manifest may ask for because the extension is installed.
   */
  readonly features?: readonly string[];
  /** Its own events. */
  readonly events?: FactMap;
}

/** An extension, ready to be given to one kernel. */
// `never`: only the kernel calls it, with the port that `defineExtension` promises. A list of
// different ones needs no `any`.
export interface Extension<S extends Statics = Statics, Api = unknown> {
  readonly statics: S;
  readonly factory: AnyFactory;
  install(port: never): Api;
  close?(): Promise<void> | void;
}

/** Any extension. */
export type AnyExtension = Extension<Statics, unknown>;

/** Whether an extension is one of the kernel's own: it makes parts of the core. */
export const isBuiltIn = ({ statics: { uses } }: AnyExtension): boolean => uses.includes('core');

/** Makes an extension. It is also the key for requesting the extension's API. */
export interface ExtensionFactory<S extends Statics, A extends readonly unknown[], Api> {
  (...options: A): Extension<S, Api>;
  readonly statics: S;
}

/** Any factory. */
export interface AnyFactory {
  readonly statics: Statics;
  (...options: never[]): AnyExtension;
}

/** The result of an extension's `install`. */
export type ApiOf<F> = F extends (...options: never[]) => Extension<infer _, infer Api>
  ? Api
  : never;

/** Payloads of an extension's own events, by topic. */
export type EventsOf<S extends Statics> = S['events'] extends FactMap
  ? { readonly [T in keyof S['events']]: S['events'][T] extends Fact<infer P> ? P : never }
  : Record<never, never>;

/** The factories that an extension requires. */
export type RequiredBy<S extends Statics> = S['requires'] extends readonly (infer F extends
  AnyFactory)[]
  ? F
  : never;
