/** `plinth explain`: why a plugin runs or doesn't. */
import { explanationText } from '@plinth/host-node';
import type { RunCommand } from '../command.js';
import { withKernel } from '../project/open-kernel.js';
import { plainOf } from '../terminal/show-value.js';

/** Explains the state of a plugin. */
export const run: RunCommand = ([id = ''], options, terminal) =>
  withKernel(options, terminal, async (kernel) => {
    const explanation = kernel.plugins.explain(id);
    const { error, running, state } = explanation;
    const lines = [explanationText(explanation)];
    if (error?.stack !== undefined) lines.push(error.stack);
    return {
      data: { explanation: plainOf(explanation) },
      text: lines.join('\n'),
      failed: !running && ['failed', 'denied', 'unknown'].includes(state),
    };
  });
