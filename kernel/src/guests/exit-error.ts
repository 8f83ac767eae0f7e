/** What callers are told when a guest has ended. */
import { createError, type ErrorCode, messageOf, type PluginError } from '@plinth/sdk/contract';
import type { ExitReason } from '../host.js';

const CODES: Readonly<Record<ExitReason['kind'], ErrorCode>> = {
  exited: 'guest/exited',
  crashed: 'guest/crashed',
  'out-of-memory': 'guest/out-of-memory',
  terminated: 'guest/terminated',
};

/**
 * The typed error for the end of a plugin's guest.
 *
 * @param rejection whether an unhandled promise rejection ended it.
 */
export function exitError(plugin: string, reason: ExitReason, rejection = false): PluginError {
  const details = {
    reason: reason.kind,
    ...(reason.code !== undefined && { exitCode: reason.code }),
    ...(rejection && { unhandled: 'rejection' }),
  };
  return createError(CODES[reason.kind], `${plugin} ${describe(reason, rejection)}`, {
    plugin,
    details,
    ...(reason.error !== undefined && { cause: reason.error }),
  });
}

function describe({ kind, code, error }: ExitReason, rejection: boolean): string {
  switch (kind) {
    case 'exited':
      return `ended by itself${code === undefined ? '' : ` with code ${code}`}`;
    case 'crashed':
      return `crashed: ${rejection ? 'unhandled rejection, a promise failed and nothing awaited or caught it: ' : ''}${messageOf(error)}`;
    case 'out-of-memory':
      return 'ran out of memory';
    case 'terminated':
      return 'was ended by the kernel';
  }
}
