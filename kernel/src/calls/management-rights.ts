/**
 * Contracts that the kernel itself provides to plugins, and the rights that replace
 * `commands.execute` for them.
 */
import { ownerOf, type PermissionName } from '@plinth/sdk/contract';

/** Bases of the contracts that only the application and its kernel provide. */
export const MANAGEMENT: ReadonlySet<string> = new Set([
  'plinth.plugins',
  'plinth.settings',
  'plinth.system',
]);

/**
 * The right that a call of a management command needs for its target. Undefined for any other
 * command.
 */
export function managementRight(command: string): PermissionName | undefined {
  if (!command.startsWith('plinth.')) return undefined;
  if (command === 'plinth.settings:get') return 'config.read';
  switch (ownerOf(command)) {
    case 'plinth.plugins':
      return 'plugins.manage';
    case 'plinth.settings':
      return 'config.write';
    case 'plinth.system':
      return 'system.read';
    default:
      return undefined;
  }
}
