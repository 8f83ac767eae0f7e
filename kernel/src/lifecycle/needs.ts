/** What the code of a plugin requires, and whether another one offers it. */
import { type PluginError, parseContractId } from '@plinth/sdk/contract';
import {
  type AsleepPlugin,
  manifestOf,
  type PluginRecord,
  type RunningPlugin,
} from '../plugin/record.js';
import { cycleFailed } from '../registry/dependency-graph.js';

/** A contract that a plugin's code requires. */
export interface Need {
  readonly contract: string;
  readonly base: string;
}

/** A contract without its version. */
export const baseOf = (contract: string): string => parseContractId(contract)?.base ?? contract;

/** What a plugin's code requires, without the contract that it provides itself. */
export function mandatory({ id, statics }: RunningPlugin | AsleepPlugin): readonly Need[] {
  return statics.needs
    .filter(({ optional }) => !optional)
    .map(({ contract }) => ({ contract, base: baseOf(contract) }))
    .filter(({ base }) => base !== id);
}

/** Whether a plugin names a need: declared, or its own contract with no version declared. */
export function named(record: PluginRecord, { contract, base }: Need): boolean {
  const provided = [
    ...(manifestOf(record)?.provides ?? []),
    ...('statics' in record ? record.statics.provides : []),
  ];
  return (
    provided.includes(contract) ||
    (record.id === base && !provided.some((one) => one.startsWith(`${base}@`)))
  );
}

/** An error's cycle, seen from one of its members. Reaching the plugin twice is a cycle, too. */
export function inCycle(
  id: string,
  { code, details }: Partial<PluginError>,
): PluginError | undefined {
  if (code !== 'plugin/cycle' && code !== 'plugin/dependency-failed') return undefined;
  const path = details?.path;
  if (!Array.isArray(path)) return undefined;
  const ring: readonly string[] =
    code === 'plugin/cycle' ? path.slice(1) : path.slice(1, path.indexOf(id, 1) + 1);
  const at = ring.indexOf(id);
  return at === -1
    ? undefined
    : cycleFailed('start', [id, ...ring.slice(at + 1), ...ring.slice(0, at + 1)]);
}
