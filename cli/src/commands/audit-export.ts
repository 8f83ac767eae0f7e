/** `plinth audit export`: the entries of the audit log, and its head. */
import { resolve } from 'node:path';
import type { RunCommand } from '../command.js';
import { writeWhole } from '../files/write-files.js';
import { withKernel } from '../project/open-kernel.js';

/** Writes JSON to stdout, or to a file. */
export const run: RunCommand = (_, options, terminal) =>
  withKernel(options, terminal, async (kernel) => {
    const head = await kernel.audit.head();
    const entries = await kernel.audit.entries(
      typeof options.plugin === 'string' ? { plugin: options.plugin } : {},
    );
    const text = JSON.stringify({ head, entries }, null, 2);
    if (typeof options.out !== 'string') return { data: { head, entries }, text };
    const file = resolve(options.out);
    await writeWhole(file, `${text}\n`);
    return {
      data: { file, head, entries: entries.length },
      text: `wrote ${entries.length} entries to ${file}`,
    };
  });
