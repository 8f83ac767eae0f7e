/** A typed client for a contract, inside a guest. */
import type { AnyContract, Command } from '../../contract/contract.js';
import { membersOf } from '../../contract/contract.js';
import type { CallOptions } from '../../contract/contract-types.js';
import { createSharedError } from '../../contract/errors.js';
import { describeIssues, parseSchema } from '../../contract/schema.js';

/** Calls a command of its provider. */
export type Execute = (
  id: string,
  input: unknown,
  options: CallOptions | undefined,
) => Promise<unknown>;

/**
 * One method per command. The caller parses the output. A plugin that needs several majors of a
 * contract says with each call which one it means: `<command>@<major>`.
 */
export function createClient(
  execute: Execute,
  contract: AnyContract,
  needs: readonly string[],
): object {
  const [base, major] = contract.$id.split('@');
  const several = needs.filter((need) => need.startsWith(`${base}@`)).length > 1;
  const client = Object.create(null) as Record<
    string,
    (input?: unknown, options?: CallOptions) => Promise<unknown>
  >;
  for (const [name, member] of membersOf(contract)) {
    if (member.kind !== 'command') continue;
    const { id, output } = member as Command & { readonly id: string };
    client[name] = async (input, options) => {
      const answer = await execute(several ? `${id}@${major}` : id, input, options);
      if (output === undefined) return answer;
      const parsed = await parseSchema(output, answer);
      if (parsed.ok) return parsed.value;
      throw createSharedError(
        'call/invalid-output',
        `the output of ${id} is not valid, the provider is at fault: ${describeIssues(parsed.issues)}`,
        {
          details: { command: id, side: 'provider', issues: parsed.issues },
        },
      );
    };
  }
  return Object.freeze(client);
}
