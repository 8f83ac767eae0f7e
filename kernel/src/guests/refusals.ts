/** Why registrations of a guest were refused while it started. */
import { messageOf } from '@plinth/sdk/contract';

/** Most refusals of one guest that are kept. */
const MAX_REFUSED = 16;

/**
 * Owns the refusals of one guest. A guest announces its registrations before it answers that it is
 * active, and doesn't wait for what becomes of them.
 */
export class Refusals {
  readonly #errors: unknown[] = [];

  add(error: unknown): void {
    if (this.#errors.length < MAX_REFUSED) this.#errors.push(error);
  }

  /** @throws the refusal, or an AggregateError of several. */
  check(): void {
    const errors = this.#errors;
    if (errors.length === 0) return;
    if (errors.length === 1) throw errors[0];
    const told = errors.map(messageOf).join('; ');
    throw new AggregateError(errors, `the kernel refused ${errors.length} registrations: ${told}`);
  }
}
