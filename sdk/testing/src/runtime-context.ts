/**
 * What carries a handler's context across its awaits, as Node's host has it. Without it, inline
 * guests of a test would lose the user of a call where those of an application don't.
 */
import type { GuestContext } from '@plinth/kernel';

interface AsyncLocalStorage {
  run<T>(value: unknown, work: () => T): T;
  getStore(): unknown;
}

interface NodeLike {
  readonly process?: {
    getBuiltinModule?(
      name: string,
    ): { readonly AsyncLocalStorage?: new () => AsyncLocalStorage } | undefined;
  };
}

/** Makes the carrier of this runtime. Undefined in browsers, which have none. */
export function runtimeContext(): (() => GuestContext) | undefined {
  const { process } = globalThis as NodeLike;
  const Storage = process?.getBuiltinModule?.('node:async_hooks')?.AsyncLocalStorage;
  if (Storage === undefined) return undefined;
  return () => {
    const storage = new Storage();
    return {
      run: (value, work) => storage.run(value, work),
      current: () => storage.getStore(),
    };
  };
}
