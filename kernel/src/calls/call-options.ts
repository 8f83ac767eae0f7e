/** The options of a call from the host. */
import type { Baggage, CallOptions } from '@plinth/sdk';
import { createError, didYouMean } from '@plinth/sdk/contract';

/** What the host may say about a call, besides what every caller may say. */
export interface HostCallOptions extends CallOptions {
  /**
   * The user that the call is made for. Handlers see it as `call.user`. Only the host can set it.
   */
  readonly user?: string;
  readonly traceparent?: string;
  /**
   * Small facts that go with the call and with every call made for it. Handlers see them as
   * `call.baggage`.
   */
  readonly baggage?: Baggage;
  /** Range of plugin versions that may answer. The highest stable one is taken. */
  readonly version?: string;
  /** Called with each value the handler reports. */
  readonly onProgress?: (value: unknown) => unknown;
}

const NAMES: readonly string[] = [
  ...['requestId', 'signal', 'timeout', 'user', 'traceparent', 'baggage', 'version', 'onProgress'],
  // Of hooks.
  ...['provider', 'strict'],
];

/**
 * Checks the options of a call or a hook. A misspelt one would silently have no effect.
 *
 * @throws PluginValidationError `call/invalid-option`.
 */
export function checkCallOptions(options: HostCallOptions | undefined): void {
  if (options === undefined) return;
  const wrong = (option: string, what: string) =>
    createError('call/invalid-option', `the options of a call ${what}`, { details: { option } });
  if (options === null || typeof options !== 'object') throw wrong('options', 'are an object');
  // A call in progress may be given as the options: it has more parts than they have.
  if (!('parent' in options))
    for (const name in options)
      if (!NAMES.includes(name))
        throw wrong(name, `have no '${name}'${didYouMean(name, NAMES, [])}`);
  const { signal, onProgress } = options;
  if (signal !== undefined && typeof signal?.addEventListener !== 'function')
    throw wrong('signal', "have no AbortSignal as 'signal'");
  if (onProgress !== undefined && typeof onProgress !== 'function')
    throw wrong('onProgress', "have no function as 'onProgress'");
}
