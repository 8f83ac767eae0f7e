/** What the extensions of one tenant hold: registrations, timers, and what they have opened. */
import { ASYNC_DISPOSE, createError, DISPOSE } from '@plinth/sdk/contract';
import { contained } from '../contained.js';
import { within } from './inspections.js';
import type { Registered } from './views.js';

/** What an extension may own. */
export type Ownable = Disposable | AsyncDisposable | (() => unknown);

interface Held {
  readonly extension: string;
  end(): unknown;
}

/** Owns all that has to end with a tenant. The latest ends first. */
export class Owned {
  readonly #report: (extension: string, what: string, error: unknown) => void;
  readonly #held: Held[] = [];
  #ended = false;

  constructor(report: (extension: string, what: string, error: unknown) => void) {
    this.#report = report;
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  /** @throws PluginUnavailableError `kernel/stopped`. */
  check(): void {
    if (this.#ended)
      throw createError('kernel/stopped', 'the kernel has stopped, and its extensions with it');
  }

  /**
   * Ends a registration with the tenant, unless it is disposed before.
   *
   * @throws PluginUnavailableError `kernel/stopped`: nothing would end it later, so it ends now.
   */
  keep<R extends Registered>(extension: string, registered: R): R {
    if (this.#ended) registered.dispose();
    this.check();
    const held = { extension, end: () => registered.dispose() };
    this.#held.push(held);
    const dispose = () => {
      const at = this.#held.indexOf(held);
      if (at !== -1) this.#held.splice(at, 1);
      registered.dispose();
    };
    return { ...registered, dispose, [DISPOSE]: dispose };
  }

  /**
   * Ends a thing with the tenant, or at once when the tenant has ended.
   *
   * @throws PluginConfigurationError `kernel/invalid-option` for what can't be ended.
   */
  own(extension: string, thing: Ownable): void {
    const end = endOf(thing);
    if (end === undefined)
      throw createError(
        'kernel/invalid-option',
        `the extension '${extension}' owns what can't be ended: own() takes a function, or what has Symbol.dispose or Symbol.asyncDispose`,
        { details: { extension } },
      );
    if (this.#ended) contained(end, (error) => this.#failed(extension, error));
    else this.#held.push({ extension, end });
  }

  /** Ends everything, and waits for it. */
  async end(milliseconds: number): Promise<void> {
    this.#ended = true;
    for (const { extension, end } of this.#held.splice(0).reverse()) {
      try {
        await within(milliseconds, end);
      } catch (error) {
        this.#failed(extension, error);
      }
    }
  }

  /** Ends everything while no asynchronous work has begun. */
  endAtOnce(): void {
    for (const { extension, end } of this.#held.splice(0).reverse())
      contained(end, (error) => this.#failed(extension, error));
    this.#ended = true;
  }

  #failed(extension: string, error: unknown): void {
    this.#report(extension, 'could not end what it owns', error);
  }
}

/** Undefined for what can't be ended. */
function endOf(thing: Ownable): (() => unknown) | undefined {
  if (typeof thing === 'function') return thing;
  const end: unknown = Object(thing)[ASYNC_DISPOSE] ?? Object(thing)[DISPOSE];
  return typeof end === 'function' ? () => end.call(thing) as unknown : undefined;
}
