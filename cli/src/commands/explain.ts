/** `plinth explain`: why a plugin runs or doesn't. */
import { explanationText } from '@plinth/host-node';
import type { RunCommand } from '../command.js';
import { withOperator } from '../operate/with-operator.js';
import { plainOf } from '../terminal/show-value.js';

/** Explains the state of a plugin. */
export const run: RunCommand = ([id = ''], options, terminal) =>
  withOperator(options, terminal, async (operator) => {
    const explanation = await operator.explain(id);
    const { error, running, state, because, next } = explanation;
    const lines = [explanationText(explanation)];
    if (error?.stack !== undefined) lines.push(error.stack);
    return {
      data: {
        explanation: plainOf(explanation),
        ...(state === 'unknown' && {
          error: { code: 'plugin/not-found', message: because, cure: next, details: {} },
        }),
      },
      text: lines.join('\n'),
      failed: !running && ['failed', 'denied', 'unknown'].includes(state),
    };
  });
