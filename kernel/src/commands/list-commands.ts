/** Lists commands with what manifests say of them. */
import type { CommandInfo } from '@plinth/sdk';
import { type Manifest, ownerOf } from '@plinth/sdk/contract';
import type { CommandRegistry } from './command-registry.js';

/** Commands that are registered, and those that a manifest declares. */
export function listCommands(registry: CommandRegistry): readonly CommandInfo[] {
  const declared = new Map<string, NonNullable<Manifest['contributes']['commands']>[number]>(
    registry
      .manifests()
      .flatMap(({ id, contributes }) =>
        (contributes.commands ?? []).map((command) => [`${id}:${command.id}`, command] as const),
      ),
  );
  const titles = (id: string): Partial<CommandInfo> | undefined => {
    const command = declared.get(id);
    if (command === undefined) return undefined;
    const { title, description, tags, input, output } = command;
    return {
      ...(title !== undefined && { title }),
      ...(description !== undefined && { description }),
      ...(tags && { tags }),
      ...(input && { input }),
      ...(output && { output }),
    };
  };
  const ids = new Set([...registry.all().map(({ id }) => id), ...declared.keys()]);
  return [...ids].sort().map((id) => {
    const entry = registry.get(id);
    const breaker = registry.breakerOf(id);
    return {
      ...titles(id),
      ...(breaker !== undefined && { breaker }),
      id,
      plugin: entry?.owner ?? ownerOf(id),
      active: entry !== undefined,
    };
  });
}
