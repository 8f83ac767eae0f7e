/** How a guest ends: asked to, because of what it did, or by itself. */
import { createError, messageOf, PluginError } from '@plinth/sdk/contract';
import type { ExitReason, Guest } from '../host.js';
import type { Reporting } from '../reporting.js';
import type { ErrorView } from './error-view.js';
import { exitError } from './exit-error.js';

/** What an end needs of its guest. */
export interface GuestEndParts {
  readonly plugin: string;
  readonly guest: Guest;
  readonly view: ErrorView;
  readonly reporting: Reporting;
  /** Refused messages after which the guest is ended. */
  readonly refusals: number;
  /** Called once, with the error for callers. */
  close(error: PluginError): void;
}

/** Owns the end of one guest. */
export class GuestEnd {
  readonly #parts: GuestEndParts;
  #fatal: Error | undefined;
  /** Settles when the error that ended the guest can be shown. */
  #showing: Promise<void> | undefined;
  /** Whether the guest has ended. */
  over = false;
  /** How many messages of the guest were refused. */
  refusals = 0;

  constructor(parts: GuestEndParts) {
    this.#parts = parts;
  }

  #close(error: PluginError): void {
    if (this.over) return;
    this.over = true;
    this.#parts.close(error);
  }

  /** Ends the guest and its pending calls at once. The platform's signal may come late or never. */
  because(error: Error): void {
    this.#fatal ??= error;
    // An unresponsive guest is unresponsive for every tenant that shares it.
    void this.#parts.guest.terminate((error as Partial<PluginError>).code === 'guest/unresponsive');
    this.#close(this.#asPluginError(this.#fatal));
  }

  /** Ends the guest in order. Failures from now on don't count against it. */
  async terminate(): Promise<void> {
    this.#close(
      createError('plugin/unavailable', `${this.#parts.plugin} was stopped`, {
        plugin: this.#parts.plugin,
        details: { reason: 'terminated' },
        retryable: true,
      }),
    );
    await this.#parts.guest.terminate();
  }

  /** The platform says that the guest has ended. Answers the error for callers. */
  async exited(reason: ExitReason): Promise<PluginError> {
    const { plugin, view } = this.#parts;
    await this.#showing;
    await view.show(reason.error);
    const error =
      this.#fatal === undefined ? exitError(plugin, reason) : this.#asPluginError(this.#fatal);
    this.#close(error);
    return error;
  }

  #asPluginError(error: Error): PluginError {
    if (
      error instanceof PluginError &&
      (error.code.startsWith('wire/') || error.code.startsWith('guest/'))
    )
      return error;
    return exitError(this.#parts.plugin, { kind: 'crashed', error });
  }

  /** A message of the guest was refused. After a number of them the guest is ended. */
  refused(error: PluginError): void {
    this.refusals += 1;
    this.#parts.reporting.metrics.refusedMessages += 1;
    const reason = String(error.details?.reason ?? messageOf(error));
    this.#parts.reporting.announce('wire:refused', {
      plugin: this.#parts.plugin,
      reason,
      count: this.refusals,
    });
    if (this.refusals >= this.#parts.refusals) this.because(error);
  }

  /**
   * The guest reports an uncaught error: it is about to end.
   *
   * @param rejection whether a promise was rejected with it.
   */
  crashed(error: Error, rejection: boolean): void {
    // What a guest says about its own end is only used as a cause.
    const end = () =>
      this.because(exitError(this.#parts.plugin, { kind: 'crashed', error }, rejection));
    const shown = this.#parts.view.show(error);
    if (shown === undefined) end();
    else this.#showing ??= shown.then(end);
  }
}
