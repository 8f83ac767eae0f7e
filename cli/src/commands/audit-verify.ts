/** `plinth audit verify`: whether the audit log is whole. */
import { readFile } from 'node:fs/promises';
import type { AuditHead } from '@plinth/host-node';
import type { RunCommand } from '../command.js';
import { withOperator } from '../operate/with-operator.js';
import { CliError } from '../terminal/cli-error.js';

/** Checks the chains, and that they continue from a head that was kept elsewhere. */
export const run: RunCommand = async (_, options, terminal) => {
  const since = typeof options.since === 'string' ? await headIn(options.since) : undefined;
  return withOperator(options, terminal, async (operator) => {
    const verdict = await operator.verifyAudit(since);
    return {
      data: { verdict },
      text: verdict.ok
        ? `whole: ${verdict.entries} entries, the last is number ${verdict.head.number}`
        : `broken at entry ${verdict.at}: ${verdict.why}`,
      failed: !verdict.ok,
    };
  });
};

async function headIn(file: string): Promise<AuditHead> {
  try {
    const { head = undefined, ...own } = JSON.parse(await readFile(file, 'utf8'));
    return (head ?? own) as AuditHead;
  } catch (cause) {
    throw new CliError('audit/bad-head', `${file} holds no head: ${(cause as Error).message}`, {
      cause,
      usage: true,
    });
  }
}
