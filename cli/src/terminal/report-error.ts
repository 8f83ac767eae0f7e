/** Tells an error: a sentence, the frame, the cure. A stack only for what no command expects. */
import { CliError, EXIT } from './cli-error.js';
import { printable } from './printable.js';
import type { Terminal } from './terminal.js';

/** Writes an error, and answers the exit code. */
export function reportError(error: unknown, terminal: Terminal): number {
  const { code, message, cure, frame, details } = factsOf(error);
  if (terminal.json)
    terminal.out(
      JSON.stringify({ ok: false, error: { code, message, ...(cure && { cure }), details } }),
    );
  else {
    const lines = [
      `${terminal.paint('red', 'error')} ${terminal.paint('dim', code)} ${printable(message)}`,
    ];
    if (frame !== undefined) lines.push('', printable(frame));
    if (cure !== undefined) lines.push('', `${terminal.paint('cyan', 'cure')} ${cure}`);
    process.stderr.write(`${lines.join('\n')}\n`);
  }
  return error instanceof CliError ? error.exitCode : EXIT.failed;
}

interface Facts {
  readonly code: string;
  readonly message: string;
  readonly cure?: string | undefined;
  readonly frame?: string | undefined;
  readonly details: unknown;
}

function factsOf(error: unknown): Facts {
  if (error instanceof CliError) return error;
  if (!(error instanceof Error)) return { code: 'cli/failed', message: String(error), details: {} };
  const { code, details } = error as { readonly code?: unknown; readonly details?: unknown };
  // Errors of the kernel and of the system have a code. Anything else is a fault of this program.
  if (typeof code !== 'string')
    return { code: 'cli/internal', message: error.stack ?? error.message, details: {} };
  return { code, message: error.message, cure: CURES[code], details: details ?? {} };
}

/** What to do about errors of the kernel that a user of the command line meets often. */
const CURES: Readonly<Record<string, string>> = {
  'storage/locked':
    'Stop the other process, or ask it: --url names a running kernel with an admin API. Another folder is the option data of plinth.config.',
  'permission/consent-required':
    'Read what it asks for. --consent grants it; --owner <owner> accepts a plugin from another place.',
  'call/unknown-command': 'plinth info <id> shows the commands of a plugin.',
  'signature/file-changed': 'Get the package again. plinth sign signs one of your own again.',
  'plugin/not-found': 'plinth list shows those that are.',
};
