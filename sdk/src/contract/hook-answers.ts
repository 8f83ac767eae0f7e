/** What comes of asking a hook: the answers as the kernel gives them, and as the caller wants them. */
import type { CallOptions, Hook } from './contract.js';
import { createSharedError } from './errors.js';
import type { HookMode } from './protocol.js';
import { describeIssues, parseSchema } from './schema.js';

/** What one handler of a hook has answered, or why it has not. */
export type HookOutcome<T = unknown> = { readonly plugin: string; readonly ok: true; readonly value: T } | { readonly plugin: string; readonly ok: false; readonly error: Error };

/** Options of asking a hook. */
export interface HookOptions extends CallOptions {
  /** Milliseconds for each handler: one that is slower has failed. */
  readonly timeout?: number;
  /**
   * Whether the first handler that fails fails the whole, and nobody to ask does, too. Otherwise handlers that fail are left out
   * and reported to the log.
   */
  readonly strict?: boolean;
}

/**
 * Makes of a hook's answers what the caller has asked for, each parsed by the hook's output.
 *
 * @param report takes what a handler has got wrong; throws when that is to fail the whole.
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
    const result = outcome.ok && output !== undefined ? await parseAnswer((hook as Hook & { readonly id: string }).id, output, outcome) : outcome;
    if (!result.ok && outcome.ok) report(result.plugin, result.error);
    checked.push(result);
  }
  if (mode === 'parallel') return checked;
  if (mode === 'collect') return checked.flatMap((one) => (one.ok ? [one.value] : []));
  const [one] = checked;
  if (one !== undefined && !one.ok) throw one.error;
  return one === undefined && mode === 'waterfall' ? input : one?.value;
}

async function parseAnswer(id: string, output: NonNullable<Hook['output']>, { plugin, value }: { readonly plugin: string; readonly value: unknown }): Promise<HookOutcome> {
  const parsed = await parseSchema(output, value);
  if (parsed.ok) return { plugin, ok: true, value: parsed.value };
  const error = createSharedError('call/invalid-output', `the answer of ${plugin} to ${id} is not valid, ${plugin} is at fault: ${describeIssues(parsed.issues)}`, {
    plugin,
    details: { hook: id, side: 'handler', issues: parsed.issues },
  });
  return { plugin, ok: false, error };
}
