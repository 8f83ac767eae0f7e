/** Errors as operators see them, who may know why a step has failed. */
import { PluginDeclaredError, PluginError } from '@plinth/sdk';
import { problemOf, Refusal } from '../problem.js';

/** Characters of a message. */
const MOST_DETAIL = 2_000;

/** A problem with the code and the message of the kernel's error. */
export function openly(error: unknown): unknown {
  if (!(error instanceof PluginError) || error instanceof PluginDeclaredError) return error;
  const { code, message } = error;
  const detail = message.slice(0, MOST_DETAIL);
  const problem = problemOf(error);
  // What the request has told the kernel to do can't be done. For other clients it is a failure.
  const status = code === 'kernel/invalid-option' ? 400 : problem.status;
  return new Refusal({ ...problem, status, code, detail });
}
