/** The commands of the Markdown renderer. It also handles the notes' hook. */
import { command, contract } from '@plinth/sdk';
import * as v from 'valibot';

export const Markdown = contract('demo.markdown@1', {
  toHtml: command({
    input: v.object({ text: v.pipe(v.string(), v.maxLength(100_000)) }),
    output: v.object({ html: v.string() }),
    idempotent: true,
  }),
});
