/**
 * Wraps any storage and remembers its failures until it works again. The kernel's health reports
 * them.
 */
import {
  asPromise,
  createError,
  ERROR_CODES,
  messageOf,
  type PluginError,
} from '@plinth/sdk/contract';
import type { StorageAdapter } from '../host.js';

/** A storage, and whether it works. */
export interface WatchedStorage {
  readonly storage: StorageAdapter;
  /**
   * The problem that keeps it from working, as far as it reports or has shown one. Undefined when
   * it works.
   */
  problem(): Promise<PluginError | undefined>;
}

/** Milliseconds in which a storage has to report its state. */
const PATIENCE = 2_000;
/** The methods that change something. While they fail, nothing can be kept. */
const WRITES: ReadonlySet<PropertyKey> = new Set(['set', 'delete', 'clear', 'update']);
const READS: ReadonlySet<PropertyKey> = new Set(['get', 'keys']);
/** Codes with which a storage says that it does not work itself. Other codes concern its input. */
const OURS: ReadonlySet<unknown> = new Set(['storage/failed', 'storage/locked']);

/** Watches an adapter. The result has every method of the adapter. */
export function watchStorage(adapter: StorageAdapter): WatchedStorage {
  const failures = new Failures();
  const watched = (kind: 'read' | 'write', method: (...args: unknown[]) => Promise<unknown>) => {
    return async (...args: unknown[]) => {
      // An error that the change function throws belongs to the caller.
      let own: unknown;
      const change = args[1];
      const passed =
        typeof change !== 'function'
          ? args
          : [
              args[0],
              (current: unknown) => {
                try {
                  return change(current);
                } catch (error) {
                  own = error;
                  throw error;
                }
              },
            ];
      try {
        const answer = await method.apply(adapter, passed);
        failures.over(kind);
        return answer;
      } catch (error) {
        if (own === undefined) failures.add(kind, error);
        throw error;
      }
    };
  };
  const methods = new Map<PropertyKey, unknown>();
  const storage = new Proxy(adapter, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      const known = methods.get(name);
      if (known !== undefined) return known;
      const kind = WRITES.has(name) ? 'write' : READS.has(name) ? 'read' : undefined;
      const made =
        kind === undefined
          ? value.bind(target)
          : watched(kind, value as (...args: unknown[]) => Promise<unknown>);
      methods.set(name, made);
      return made;
    },
  });
  return {
    storage,
    async problem() {
      const told = await asked(adapter).catch((cause: unknown) =>
        createError('storage/failed', `the storage does not say how it is: ${messageOf(cause)}`, {
          cause,
        }),
      );
      return told ?? failures.problem;
    },
  };
}

type Kind = 'read' | 'write';

/** Owns the last failure of each kind, until an operation of that kind succeeds. */
class Failures {
  readonly #failing = new Map<Kind, { readonly error: unknown; readonly times: number }>();

  add(kind: Kind, error: unknown): void {
    const { code } = (error ?? {}) as { readonly code?: unknown };
    const known = typeof code === 'string' && Object.hasOwn(ERROR_CODES, code);
    if (!known || OURS.has(code))
      this.#failing.set(kind, { error, times: (this.#failing.get(kind)?.times ?? 0) + 1 });
  }

  over(kind: Kind): void {
    this.#failing.delete(kind);
  }

  get problem(): PluginError | undefined {
    for (const [kind, { error, times }] of this.#failing) {
      const what = kind === 'write' ? 'nothing can be kept' : 'nothing can be read';
      const often = times === 1 ? 'the last attempt' : `the last ${times} attempts`;
      return createError(
        'storage/failed',
        `the storage does not work, ${what}: ${often} failed with: ${messageOf(error)}`,
        { details: { attempts: times }, cause: error },
      );
    }
    return undefined;
  }
}

/** A storage that doesn't answer has a problem. */
async function asked(adapter: StorageAdapter): Promise<PluginError | undefined> {
  const answer = asPromise(adapter.problem?.());
  if (answer === undefined) return undefined;
  let timer: number | undefined;
  try {
    return (await Promise.race([
      answer,
      new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`no answer for ${PATIENCE} ms`)), PATIENCE);
      }),
    ])) as PluginError | undefined;
  } finally {
    clearTimeout(timer);
  }
}
