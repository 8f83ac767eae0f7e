/** `plinth report`: calls, errors, response times and resources of plugins over time. */
import type { RunCommand } from '../command.js';
import { withOperator } from '../operate/with-operator.js';
import { CliError } from '../terminal/cli-error.js';
import { wholeOf } from '../terminal/numbers.js';

const HOUR = 3_600_000;

/** Reports what the project's kernels have recorded, also those that have ended. */
export const run: RunCommand = async ([plugin], options, terminal) => {
  const { format = 'text' } = options;
  if (format !== 'text' && format !== 'csv')
    throw new CliError('cli/usage', `--format takes text or csv, not '${String(format)}'`, {
      usage: true,
    });
  const hours = options.hours === undefined ? 1 : wholeOf(options.hours, '--hours');
  return withOperator(options, terminal, async (operator) => {
    const query = {
      from: Date.now() - hours * HOUR,
      ...(plugin !== undefined && { plugin }),
    };
    return {
      data: { report: await operator.report(query) },
      text: await operator.reportText(query, format),
    };
  });
};
