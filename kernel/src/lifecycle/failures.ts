/** What went wrong in a plugin's life, as errors that say whose fault it was and where. */
import { createError, ERROR_CODES, messageOf, type PluginError } from '@plinth/sdk/contract';
import type { Stage } from './stage.js';

/** What only the kernel can know: it acts on these, so it takes them from nobody else. */
const VERDICTS: ReadonlySet<unknown> = new Set(['plugin/dependency-failed', 'plugin/cycle']);

/** Why a plugin could not be loaded: what says so itself stays as it is. */
export function loadFailed(id: string, cause: unknown): Error {
  const code = (cause as Partial<PluginError> | null)?.code;
  if (cause instanceof Error && typeof code === 'string' && code.includes('/')) return cause;
  return createError('plugin/load-failed', `cannot load ${id}: ${messageOf(cause)}`, { plugin: id, cause });
}

/** What a guest says of its failure to load; it can say anything. */
export function toldByGuest(id: string, cause: unknown): Error {
  return VERDICTS.has((cause as Partial<PluginError> | null)?.code)
    ? createError('plugin/load-failed', `cannot load ${id}: ${messageOf(cause)}`, { plugin: id, cause })
    : (cause as Error);
}

/** Why a plugin could not be activated, and in which hook. */
export function activationFailed(id: string, stage: Stage, cause: unknown): Error {
  const code = (cause as Partial<PluginError> | null)?.code;
  if (code === 'config/invalid' || code === 'plugin/timeout') return cause as Error;
  const hook = stage === 'initialize' ? 'configure' : (hookOf(cause) ?? 'activate');
  const told = code === 'plugin/hook-failed' && (cause as Error).cause !== undefined ? (cause as Error).cause : cause;
  return createError('plugin/activation-failed', `cannot activate ${id}: ${hook} failed: ${messageOf(told)}`, { plugin: id, details: { stage, hook }, cause: told });
}

/** Errors of ours say what they are; a plugin's own are only the cause. */
export function hookFailed(id: string, hook: string, cause: unknown): Error {
  const code = (cause as Partial<PluginError> | null)?.code;
  // Said already, nearer to it.
  if (cause instanceof Error && !VERDICTS.has(code) && (cause as Partial<PluginError>).details?.hook === hook) return cause;
  const ours = cause instanceof Error && typeof code === 'string' && Object.hasOwn(ERROR_CODES, code) && !VERDICTS.has(code);
  // What can't cross says where in the value, not whose it is; what was thrown in place of an error says nothing.
  if (ours && code !== 'value/invalid' && code !== 'call/failed') return cause;
  return createError(ours && code === 'value/invalid' ? code : 'plugin/hook-failed', `${id} failed in ${hook}: ${messageOf(cause)}`, { plugin: id, details: { hook }, cause });
}

/** The hook in which a plugin failed, when the error says so. */
export function hookOf(error: unknown): string | undefined {
  const { hook, method } = (error as Partial<PluginError> | null)?.details ?? {};
  const named = hook ?? method;
  return typeof named === 'string' ? named : undefined;
}

/** For those who wait for a plugin that was stopped. */
export function gone(key: string): PluginError {
  return createError('plugin/unavailable', `${key} was stopped`, { plugin: key });
}

/** Why a plugin isn't started that may not be. */
export function disabled(record: { readonly id: string }): PluginError {
  return createError('plugin/disabled', `cannot activate ${record.id}: it is disabled, enable it first`, { plugin: record.id });
}

/** Why an operation isn't possible in the state that a plugin is in. */
export function illegal(record: { readonly id: string; readonly state: string }, operation: string): PluginError {
  return createError('plugin/illegal-transition', `cannot ${operation} ${record.id}: it is ${record.state}`, { plugin: record.id, details: { state: record.state, operation } });
}
