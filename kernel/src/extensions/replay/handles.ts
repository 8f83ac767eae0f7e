/** The registrations of a guest by their numbers, and by what they are. */
import type { Registration } from '@plinth/sdk/contract';

/** What a number stands for. */
export interface Named {
  readonly kind: string;
  readonly name: string;
  /** Which of those with one kind and name, in the order of registration. */
  readonly nth: number;
}

/** Longest name of a registration, as in the kernel. */
const MAX_NAME = 512;

/** Whether a registration has what identifies it. A guest may send anything. */
export function isNamed(registration: unknown): registration is Registration {
  const { handle, kind, name } = (registration ?? {}) as Partial<Registration>;
  return (
    Number.isSafeInteger(handle) &&
    typeof kind === 'string' &&
    kind.length <= MAX_NAME &&
    typeof name === 'string' &&
    name.length <= MAX_NAME
  );
}

/** Most names that are counted. A guest may register and take back without end. */
const MAX_NAMES = 65_536;

/** Owns what is known of one guest's registrations. */
export class Handles {
  readonly #named = new Map<number, Named>();
  readonly #numbers = new Map<string, number>();
  readonly #counts = new Map<string, number>();

  add({ handle, kind, name }: Registration): Named {
    const key = `${kind} ${name}`;
    if (this.#counts.size > MAX_NAMES) this.#counts.clear();
    const nth = this.#counts.get(key) ?? 0;
    this.#counts.set(key, nth + 1);
    const named = { kind, name, nth };
    this.#named.set(handle, named);
    this.#numbers.set(`${key} ${nth}`, handle);
    return named;
  }

  get(handle: number): Named | undefined {
    return this.#named.get(handle);
  }

  /** A registration is taken back. */
  take(handle: number): Named | undefined {
    const named = this.#named.get(handle);
    this.#named.delete(handle);
    if (named !== undefined) this.#numbers.delete(`${named.kind} ${named.name} ${named.nth}`);
    return named;
  }

  numberOf({ kind, name, nth }: Named): number | undefined {
    return this.#numbers.get(`${kind} ${name} ${nth}`);
  }
}
