/** The type of a kernel with extensions. The given extensions add the types of their events. */
import type { EventEnvelope } from '@plinth/sdk';
import type { HostRegistration } from '../registration.js';
import type { AnyExtension, EventsOf, Extension } from './statics.js';

type ToIntersection<U> = (U extends unknown ? (one: U) => void : never) extends (
  all: infer I,
) => void
  ? I
  : never;

/** Own events of several extensions, by topic. */
export type EventsOfAll<E extends readonly AnyExtension[]> = ToIntersection<
  E[number] extends infer X ? (X extends Extension<infer S, infer _> ? EventsOf<S> : never) : never
>;

/** An envelope of an extension's own event. */
export interface ExtensionEnvelope<T extends string, P> extends EventEnvelope {
  readonly topic: T;
  readonly payload: P;
}

/** `kernel.events` for the events of extensions. */
export interface ExtensionEvents<F> {
  on<T extends keyof F & string>(
    topic: T,
    listener: (event: ExtensionEnvelope<T, F[T]>) => unknown,
  ): HostRegistration;
  once<T extends keyof F & string>(
    topic: T,
    listener: (event: ExtensionEnvelope<T, F[T]>) => unknown,
  ): HostRegistration;
}

/** A kernel, with the events of its extensions, also in each of its tenants. */
export type WithExtensions<K, E extends readonly AnyExtension[]> = {
  readonly events: ExtensionEvents<EventsOfAll<E>>;
} & (K extends { tenant(id: string): infer T }
  ? { tenant(id: string): WithExtensions<T, E> }
  : unknown) &
  K;
