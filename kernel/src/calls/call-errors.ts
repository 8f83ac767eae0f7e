/** The errors that end calls. */
import { A_TIME, createError, isTime, messageOf, PluginError } from '@plinth/sdk/contract';
import type { CallTarget, KernelCall } from './kernel-call.js';
import { blame, guardUnavailable, type LayerName } from './layers.js';

const ownerOf = (id: string) => id.slice(0, Math.max(0, id.indexOf(':')));

/** Whether a deadline ended the call: its own, or that of the call it was made for. */
export function isLate(error: unknown): boolean {
  const { code, cause } = Object(error) as {
    readonly code?: unknown;
    readonly cause?: { readonly code?: unknown };
  };
  return code === 'call/timeout' || cause?.code === 'call/timeout';
}

/** A thrown value, or an error in its place when it can't be read: no reader of it is prepared. */
export function readable(thrown: unknown): unknown {
  try {
    if (thrown instanceof PluginError) return thrown;
    const error = Object(thrown) as Readonly<Record<string, unknown>>;
    for (const name of ['name', 'message', 'code', 'details']) void error[name];
    void Object(error['cause']).code;
    return thrown;
  } catch {
    return createError('call/failed', 'it threw a value that cannot be read');
  }
}

/** Names the command in a provider's failure that isn't an error of its own. */
export function withCommand(error: unknown, { id, owner }: CallTarget): unknown {
  if (!(error instanceof PluginError) || error.details.command !== undefined) return error;
  const unsent = error.code === 'value/invalid' && error.details.side === 'provider';
  if (!unsent && error.code !== 'call/failed') return error;
  const { plugin = owner === 'host' ? undefined : owner, message, details, cause } = error;
  const told = unsent ? message.replace('the answer', `the answer of ${id}`) : `${id} ${message}`;
  return createError(error.code as 'call/failed', told, {
    plugin,
    details: { ...details, command: id },
    ...(cause !== undefined && { cause }),
  });
}

/** The deadline has passed. Names the middleware that held the call, where one did. */
export function lateError(call: KernelCall, answered: boolean): PluginError {
  const { id: command, timeout, within, target } = call;
  const late = `${command} did not answer within ${timeout} ms`;
  if (!answered && within?.absence !== undefined)
    return guardUnavailable(`${late}: it waits for`, within, { command, timeout });
  const layers = answered ? (call.layers ?? []) : within === undefined ? [] : [within];
  if (layers.length === 0)
    return createError('call/timeout', late, {
      plugin: target.owner ?? ownerOf(command),
      details: { command, timeout },
    });
  const names = layers.map(({ name }) => name).join(', ');
  const why = answered
    ? `the middleware around it (${names}) held the answer`
    : `the middleware ${names} did not go on`;
  const { plugin, details } = blame(layers[0] as LayerName);
  return createError('call/timeout', `${late}: ${why}`, {
    plugin,
    details: { ...details, middleware: names, command, timeout },
  });
}

/** The call ends before its answer, because its caller or the call above it did. */
export function cancelledError(
  { id: command, owner = ownerOf(command) }: Pick<CallTarget, 'id' | 'owner'>,
  cause: unknown,
  above?: string,
): PluginError {
  const because = above === undefined ? '' : `, because ${above} was`;
  return createError('call/cancelled', `the call of ${command} was cancelled${because}`, {
    plugin: owner,
    details: { command },
    cause,
  });
}

/** The kernel ends. */
export function stoppedError(command: string): PluginError {
  return createError('kernel/stopped', `the kernel stopped before ${command} was answered`, {
    details: { command },
  });
}

/**
 * The shorter of what the caller wants and what the command allows, in milliseconds.
 *
 * @throws PluginValidationError `call/invalid-option`.
 */
export function effectiveTimeout(wanted: number, allowed: number | undefined, id: string): number {
  if (!isTime(wanted))
    throw createError(
      'call/invalid-option',
      `the timeout of a call of ${id} must be ${A_TIME}, not ${messageOf(wanted)}`,
      { details: { command: id } },
    );
  return Math.min(wanted, allowed ?? Number.POSITIVE_INFINITY);
}
