/** What a command of the program is: how it is called, and the module that does the work. */
import type { Terminal } from './terminal/terminal.js';

/** What a command answers. */
export interface CommandResult {
  /** Plain data for `--json`. */
  readonly data: Readonly<Record<string, unknown>>;
  /** The same for people. */
  readonly text: string;
  /** Whether the command found what it was asked to look for, such as a problem: exit code 1. */
  readonly failed?: boolean;
  /** The exit code, where it is neither 0 nor 1: what a plugin's command ended with. */
  readonly exitCode?: number;
  /** Whether the command has written its result itself, in a format of its own. */
  readonly written?: boolean;
}

/** Options as they were given, by name. */
export type Options = Readonly<Record<string, string | boolean | undefined>>;

/** Does the work. Undefined when it has written its results itself. */
export type RunCommand = (
  args: readonly (string | undefined)[],
  options: Options,
  terminal: Terminal,
) => Promise<CommandResult | undefined>;

/** One command. */
export interface CommandSpec {
  /** Name and arguments, like `sign <path>`. */
  readonly usage: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Flags with what they mean. */
  readonly options?: readonly (readonly [flags: string, meaning: string])[];
  /** Command lines that work as they are. */
  readonly examples: readonly string[];
  /** Loads its module. No command loads another one's. */
  readonly load?: () => Promise<{ readonly run: RunCommand }>;
  readonly commands?: readonly CommandSpec[];
}
