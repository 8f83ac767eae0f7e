/** The results of a hook: the answers as the kernel gives them, and as the caller wants them. */

import type { Hook } from './contract.js';
import type { CallOptions } from './contract-types.js';
import { createSharedError } from './errors.js';
import type { HookMode } from './operations.js';
import { describeIssues, parseSchema } from './schema.js';

/** One handler's answer, or the error it failed with. */
export type HookOutcome<T = unknown> =
  | { readonly plugin: string; readonly ok: true; readonly value: T }
  | { readonly plugin: string; readonly ok: false; readonly error: Error };

/** Options of asking a hook. */
export interface HookOptions extends CallOptions {
  /** Milliseconds for each handler; a slower one counts as failed. */
  readonly timeout?: number;
  /**
   * Whether the first failing handler fails the whole request; without any handler it fails too.
   * Otherwise handlers that fail are left out and logged.
   */
  readonly strict?: boolean;
  /** The plugin whose handlers are asked, or `host`. All handlers when absent. */
  readonly provider?: string;
}

/**
 * Reads the option `provider`.
 *
 * @throws PluginValidationError `call/invalid-option` for what is no id.
 */
export function hookProvider(options: HookOptions | undefined): string | undefined {
  const provider: unknown = options?.provider;
  if (provider === undefined || (typeof provider === 'string' && provider !== '')) return provider;
  throw createSharedError(
    'call/invalid-option',
    "'provider' is the id of a plugin, or 'host', whose handlers are asked",
    { details: { option: 'provider' } },
  );
}

/**
 * Converts a hook's answers to the form the caller asked for. Each answer is parsed with the hook's
 * output schema.
 *
 * @param report receives each handler's mistake; throws if that should fail the whole request.
 */
export async function foldAnswers(
  hook: string | (Hook & { readonly id: string }),
  mode: HookMode,
  input: unknown,
  outcomes: readonly HookOutcome[],
  report: (plugin: string, error: Error) => void,
): Promise<unknown> {
  const output = typeof hook === 'string' ? undefined : hook.output;
  const checked: HookOutcome[] = [];
  for (const outcome of outcomes) {
    const result =
      outcome.ok && output !== undefined
        ? await parseAnswer((hook as Hook & { readonly id: string }).id, output, outcome)
        : outcome;
    if (!result.ok && outcome.ok) report(result.plugin, result.error);
    checked.push(result);
  }
  if (mode === 'parallel') return checked;
  if (mode === 'collect') return checked.flatMap((one) => (one.ok ? [one.value] : []));
  const [one] = checked;
  if (one !== undefined && !one.ok) throw one.error;
  return one === undefined && mode === 'waterfall' ? input : one?.value;
}

async function parseAnswer(
  id: string,
  output: NonNullable<Hook['output']>,
  { plugin, value }: { readonly plugin: string; readonly value: unknown },
): Promise<HookOutcome> {
  const parsed = await parseSchema(output, value);
  if (parsed.ok) return { plugin, ok: true, value: parsed.value };
  const error = createSharedError(
    'call/invalid-output',
    `the answer of ${plugin} to ${id} is not valid, ${plugin} is at fault: ${describeIssues(parsed.issues)}`,
    {
      plugin,
      details: { hook: id, side: 'handler', issues: parsed.issues },
    },
  );
  return { plugin, ok: false, error };
}
