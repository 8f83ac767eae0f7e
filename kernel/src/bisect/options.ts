/** What a bisect is asked with. */

/** Whether the fault is there now. Its signal ends with the question. */
export type Predicate = (question: { readonly signal: AbortSignal }) => boolean | Promise<boolean>;

/** How a bisect is made. */
export interface BisectOptions {
  /** Ids of plugins that stay on, with all that they need: what the predicate itself uses. */
  readonly keep?: readonly string[];
  /**
   * How often each state is asked; 2 when absent. Answers that differ end the bisect with
   * `flickers`.
   */
  readonly times?: number;
  /** Milliseconds for each answer; 30 000 when absent. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}
