/** The error of a command that can't do what was asked: what is wrong, where, and the cure. */

/** Exit codes of the program. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

/** More about a {@link CliError}. */
export interface CliErrorOptions {
  /** One sentence that says what to do. */
  readonly cure?: string;
  /** Lines of a source with a mark below the place. */
  readonly frame?: string;
  /** Plain data about it, for `--json`. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
  /** Whether the command line itself is wrong: the exit code is then 2. */
  readonly usage?: boolean;
}

/** A failure that is told to the user without a stack. Its `code` is stable, like `bundle/too-large`. */
export class CliError extends Error {
  readonly code: string;
  readonly cure: string | undefined;
  readonly frame: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;
  readonly exitCode: number;

  constructor(code: string, message: string, options: CliErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CliError';
    this.code = code;
    this.cure = options.cure;
    this.frame = options.frame;
    this.details = options.details ?? {};
    this.exitCode = options.usage === true ? EXIT.usage : EXIT.failed;
  }
}
