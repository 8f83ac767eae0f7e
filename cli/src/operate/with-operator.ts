/** Runs a command for an operator: over the project, or over a kernel that runs elsewhere. */
import type { CommandResult, Options } from '../command.js';
import type { OpenOptions } from '../project/open-kernel.js';
import { printable } from '../terminal/printable.js';
import type { Terminal } from '../terminal/terminal.js';
import { type Address, addressOf } from './address.js';
import type { Operator } from './operator.js';

/** The work of a command. */
export type Work = (operator: Operator) => Promise<CommandResult | undefined>;

/**
 * Does the work with the kernel that `--url` names, or with one over the project, which is then
 * stopped. What only one of them needs is loaded for it alone.
 */
export async function withOperator(
  options: Options,
  terminal: Terminal,
  work: Work,
  open: OpenOptions = {},
): Promise<CommandResult | undefined> {
  const address = addressOf(options, process.env);
  if (address !== undefined) {
    const result = await work(await remote(address, terminal));
    // Texts of a kernel elsewhere are foreign.
    return result && { ...result, text: printable(result.text) };
  }
  const [{ withKernel }, { LocalOperator }] = await Promise.all([
    import('../project/open-kernel.js'),
    import('./local-operator.js'),
  ]);
  return withKernel(
    options,
    terminal,
    (kernel, project) => work(new LocalOperator(kernel, project)),
    open,
  );
}

/** The operator of a kernel elsewhere. */
export async function remote(address: Address, terminal: Terminal) {
  const [{ AdminClient }, { RemoteOperator }] = await Promise.all([
    import('./admin-client.js'),
    import('./remote-operator.js'),
  ]);
  if (address.open)
    terminal.note(
      `${terminal.paint('yellow', 'warning')} the token goes to ${address.base} unencrypted: use https`,
    );
  return new RemoteOperator(new AdminClient(address));
}
