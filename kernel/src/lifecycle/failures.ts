/** Failures in a plugin's life, as errors that name the responsible plugin and the stage. */
import { createError, ERROR_CODES, messageOf, type PluginError } from '@plinth/sdk/contract';
import type { Stage } from '../stage.js';

/**
 * Codes that only the kernel may raise. It acts on them, so it accepts them from no other source.
 */
const VERDICTS: ReadonlySet<unknown> = new Set(['plugin/dependency-failed', 'plugin/cycle']);

/** Why a plugin could not be loaded. A typed error stays as it is. */
export function loadFailed(id: string, cause: unknown): Error {
  const code = (cause as Partial<PluginError> | null)?.code;
  if (cause instanceof Error && typeof code === 'string' && code.includes('/')) return cause;
  return createError('plugin/load-failed', `cannot load ${id}: ${messageOf(cause)}`, {
    plugin: id,
    cause,
  });
}

/**
 * Codes for what the plugin's code needs and doesn't own. These failures don't count as crashes of
 * a plugin.
 */
const FOREIGN: ReadonlySet<unknown> = new Set([
  ...[
    'storage/failed',
    'storage/locked',
    'storage/corrupt',
    'config/invalid',
    'plugin/unavailable',
    'plugin/dependency-failed',
    'call/unknown-command',
  ],
]);

/**
 * Whether the plugin itself made its start fail: its guest ended or hung, or its code refused.
 * Other failures say nothing about the plugin: an unreadable or changed bundle, a guest that can't
 * be launched, a storage failure.
 */
export function isOwnFailure(stage: Stage, error: unknown): boolean {
  const codes: unknown[] = [];
  for (let at: unknown = error; at instanceof Error && codes.length < 8; at = at.cause)
    codes.push((at as Partial<PluginError>).code);
  if (stage === 'load')
    return codes.some(
      (code) =>
        code === 'plugin/timeout' || (typeof code === 'string' && code.startsWith('guest/')),
    );
  return !codes.some((code) => FOREIGN.has(code));
}

/** What a guest says about its failure to load. A guest can send anything. */
export function toldByGuest(id: string, cause: unknown): Error {
  return VERDICTS.has((cause as Partial<PluginError> | null)?.code)
    ? createError('plugin/load-failed', `cannot load ${id}: ${messageOf(cause)}`, {
        plugin: id,
        cause,
      })
    : (cause as Error);
}

/** Why a plugin could not be activated, and in which hook. */
export function activationFailed(id: string, stage: Stage, cause: unknown): Error {
  const code = (cause as Partial<PluginError> | null)?.code;
  if (code === 'config/invalid' || code === 'plugin/timeout') return cause as Error;
  const hook = stage === 'initialize' ? 'configure' : (hookOf(cause) ?? 'activate');
  const told =
    code === 'plugin/hook-failed' && (cause as Error).cause !== undefined
      ? (cause as Error).cause
      : cause;
  return createError(
    'plugin/activation-failed',
    `cannot activate ${id}: ${hook} failed: ${messageOf(told)}`,
    { plugin: id, details: { stage, hook }, cause: told },
  );
}

/** The kernel's errors describe themselves. A plugin's own error is only the cause. */
export function hookFailed(id: string, hook: string, cause: unknown): Error {
  const code = (cause as Partial<PluginError> | null)?.code;
  // An inner layer has already reported it.
  if (
    cause instanceof Error &&
    !VERDICTS.has(code) &&
    (cause as Partial<PluginError>).details?.hook === hook
  )
    return cause;
  const ours =
    cause instanceof Error &&
    typeof code === 'string' &&
    Object.hasOwn(ERROR_CODES, code) &&
    !VERDICTS.has(code);
  // A value that can't cross names its place, but not its plugin. A thrown value that isn't an
  // error names nothing.
  if (ours && code !== 'value/invalid' && code !== 'call/failed') return cause;
  return createError(
    ours && code === 'value/invalid' ? code : 'plugin/hook-failed',
    `${id} failed in ${hook}: ${messageOf(cause)}`,
    { plugin: id, details: { hook }, cause },
  );
}

/** The hook in which a plugin failed, when the error names it. */
export function hookOf(error: unknown): string | undefined {
  const { hook, method } = (error as Partial<PluginError> | null)?.details ?? {};
  const named = hook ?? method;
  return typeof named === 'string' ? named : undefined;
}

/** The error for callers that wait for a plugin that was stopped. */
export function gone(key: string): PluginError {
  return createError('plugin/unavailable', `${key} was stopped`, { plugin: key });
}

/** Why a plugin that may not be started isn't started. */
export function disabled(record: { readonly id: string }): PluginError {
  return createError(
    'plugin/disabled',
    `cannot activate ${record.id}: it is disabled, enable it first`,
    { plugin: record.id },
  );
}

/** Why an operation isn't possible in a plugin's current state. */
export function illegal(
  record: { readonly id: string; readonly state: string },
  operation: string,
): PluginError {
  return createError(
    'plugin/illegal-transition',
    `cannot ${operation} ${record.id}: it is ${record.state}`,
    { plugin: record.id, details: { state: record.state, operation } },
  );
}
