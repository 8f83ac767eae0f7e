/** Tries what the manifest doesn't ask for, and reports the results. */
import type { PluginContext } from '@plinth/sdk';
import type * as v from 'valibot';
import type { Attempt } from './contract.ts';

/** Attempts run one after another, so that the results stay in this order. */
export async function askForTooMuch(ctx: PluginContext): Promise<v.InferOutput<typeof Attempt>[]> {
  const attempts: Readonly<Record<string, () => Promise<unknown>>> = {
    'execute demo.notes:list': () => ctx.commands.execute('demo.notes:list'),
    'read storage': () => ctx.storage.get('note:n1'),
    'write storage': () => ctx.storage.set('note:n1', 'mine'),
    'emit demo.notes:added': () => ctx.events.emit('demo.notes:added', { id: 'n1', text: 'a lie' }),
    'call the hook demo.notes:render': () => ctx.hooks.waterfall('demo.notes:render', 'text'),
  };
  const outcomes = [];
  for (const [what, attempt] of Object.entries(attempts)) {
    try {
      await attempt();
      outcomes.push({ what, allowed: true });
    } catch (error) {
      outcomes.push({ what, allowed: false, code: codeOf(error) });
    }
  }
  return outcomes;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
