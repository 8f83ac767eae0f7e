/** `plinth audit export`: the entries of the audit log, and its head. */
import { resolve } from 'node:path';
import type { RunCommand } from '../command.js';
import { writeWhole } from '../files/write-files.js';
import { withOperator } from '../operate/with-operator.js';

/** Writes JSON to stdout, or to a file. */
export const run: RunCommand = (_, options, terminal) =>
  withOperator(options, terminal, async (operator) => {
    const { plugin } = options;
    const { head, entries } = await operator.audit(typeof plugin === 'string' ? plugin : undefined);
    const text = JSON.stringify({ head, entries }, null, 2);
    if (typeof options.out !== 'string') return { data: { head, entries }, text };
    const file = resolve(options.out);
    await writeWhole(file, `${text}\n`);
    return {
      data: { file, head, entries: entries.length },
      text: `wrote ${entries.length} entries to ${file}`,
    };
  });
