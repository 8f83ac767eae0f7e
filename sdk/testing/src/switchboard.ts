/** Where faults take hold of a test kernel: its guests, its calls, its storage and its clock. */
import type { HostMiddlewareCall, Kernel, StorageAdapter } from '@plinth/kernel';
import type { Next } from '@plinth/sdk';
import { createError } from '@plinth/sdk/contract';
import type { InstalledClock } from './clock.js';
import { Guests } from './guests.js';

/** Wraps one call. */
export type CallFault = (call: HostMiddlewareCall, next: Next) => Promise<unknown>;

/** Is asked before a write of the storage, and throws to refuse it. */
export type WriteFault = (key: string) => void;

/** Owns the faults of one test kernel. */
export class Switchboard {
  readonly guests = new Guests();
  readonly #calls = new Set<CallFault>();
  readonly #writes = new Set<WriteFault>();
  readonly #undos = new Set<() => void>();
  /** The clock of the kernel, if the test moves it. */
  readonly clock: InstalledClock | undefined;

  constructor(clock: InstalledClock | undefined) {
    this.clock = clock;
  }

  onCall(fault: CallFault): Disposable {
    this.#calls.add(fault);
    return this.own(() => this.#calls.delete(fault));
  }

  onWrite(fault: WriteFault): Disposable {
    this.#writes.add(fault);
    return this.own(() => this.#writes.delete(fault));
  }

  /** A fault that ends with the kernel, unless it is undone before. */
  own(undo: () => unknown): Disposable {
    const once = () => {
      if (this.#undos.delete(once)) undo();
    };
    this.#undos.add(once);
    return { [Symbol.dispose]: once };
  }

  /** Undoes every fault, the latest first. */
  end(): void {
    for (const undo of [...this.#undos].reverse()) undo();
  }

  /** Around every command: the last fault is the outermost. */
  readonly around = (call: HostMiddlewareCall, next: Next): Promise<unknown> => {
    let inner: Next = next;
    for (const fault of this.#calls) {
      const within = inner;
      inner = () => fault(call, within);
    }
    return inner();
  };

  /** The same storage, whose writes can fail. */
  storage(adapter: StorageAdapter): StorageAdapter {
    const check = (key: string) => {
      for (const fault of this.#writes) fault(key);
    };
    return new Proxy(adapter, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        if (name !== 'set' && name !== 'update') return value.bind(target);
        return async (key: string, ...rest: readonly unknown[]) => {
          check(key);
          return Reflect.apply(value, target, [key, ...rest]) as unknown;
        };
      },
    });
  }
}

const boards = new WeakMap<Kernel, Switchboard>();

/** Remembers where faults take hold of a test kernel. */
export function install(kernel: Kernel, board: Switchboard): void {
  boards.set(kernel, board);
}

/**
 * Where faults take hold of a test kernel.
 *
 * @throws PluginConfigurationError `kernel/invalid-option` for another kernel.
 */
export function switchboardOf(kernel: Kernel): Switchboard {
  const found = boards.get(kernel);
  if (found !== undefined) return found;
  throw createError(
    'kernel/invalid-option',
    'faults need a kernel that createTestKernel() has made: others have nowhere to put them',
  );
}
