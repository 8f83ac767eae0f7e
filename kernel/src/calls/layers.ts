/** Layers around a call, as the call and its errors name them. */
import { createError, type PluginError } from '@plinth/sdk/contract';

/** A layer around a call, by name. */
export interface LayerName {
  /** The name used in errors about this layer. */
  readonly name: string;
  /** Plugin id, or `host`. */
  readonly owner: string;
  /** Why the plugin of this layer is unavailable. Absent when it is available. */
  readonly absence?: (() => Absence) | undefined;
}

/** Why a plugin is unavailable. */
export interface Absence {
  /** Its state. */
  readonly state: string;
  /** One sentence. */
  readonly because: string;
}

/**
 * The error for a call that got no answer because one of its guards is unavailable.
 *
 * @param what what waited, and how long.
 */
export function guardUnavailable(
  what: string,
  { name, owner, absence }: LayerName,
  details: Readonly<Record<string, unknown>>,
): PluginError {
  const { state, because } = absence?.() ?? { state: 'unknown', because: 'it is not there' };
  return createError(
    'middleware/unavailable',
    `${what} the middleware ${name}, which can't answer: ${because}`,
    {
      plugin: owner === 'host' ? undefined : owner,
      retryable: true,
      details: { ...details, middleware: name, guard: owner, state },
    },
  );
}

/** The part of an error that names the layer at fault. */
export function blame({ name, owner }: LayerName): {
  readonly plugin: string | undefined;
  readonly details: { readonly middleware: string };
} {
  return { plugin: owner === 'host' ? undefined : owner, details: { middleware: name } };
}
