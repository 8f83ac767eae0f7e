/** Asks the plugins of a started kernel for the commands that they add. */
import type { Kernel } from '@plinth/host-node';
import { messageOf } from '@plinth/sdk/contract';
import { CliCommands } from '@plinth/sdk/contracts';
import { printableLine } from '../terminal/printable.js';
import { type Contribution, contributionsOf } from './contribution.js';

/** Milliseconds in which a plugin has to list its commands. */
const PATIENCE = 2_000;
const LONGEST_PROBLEM = 300;

/** What plugins add. */
export interface Collected {
  readonly commands: readonly Contribution[];
  /** Plugins that could not be asked, with the reason. */
  readonly problems: readonly { readonly plugin: string; readonly message: string }[];
}

/**
 * Asks every provider at once, so that all of them together take no longer than the slowest.
 *
 * @param only the id of the one plugin that is asked.
 */
export async function collect(kernel: Kernel, only?: string): Promise<Collected> {
  const commands: Contribution[] = [];
  const problems: { plugin: string; message: string }[] = [];
  const providers = kernel
    .providers(CliCommands)
    .filter(({ enabled, state }) => enabled && state !== 'failed' && state !== 'denied');
  const ids = [...new Set(providers.map(({ id }) => id))]
    .filter((id) => only === undefined || id === only)
    .sort();
  const answers = await Promise.allSettled(
    ids.map((provider) =>
      kernel.client(CliCommands, { provider }).list(undefined, { timeout: PATIENCE }),
    ),
  );
  for (const [index, answer] of answers.entries()) {
    const plugin = ids[index] ?? '';
    if (answer.status === 'fulfilled') commands.push(...contributionsOf(plugin, answer.value));
    else
      problems.push({ plugin, message: printableLine(messageOf(answer.reason), LONGEST_PROBLEM) });
  }
  return { commands, problems };
}
