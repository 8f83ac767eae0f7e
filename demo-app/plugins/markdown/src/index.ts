/** Renders notes as HTML through their hook, and tidies each note before it is added. */
import { definePlugin } from '@plinth/sdk';
import { Notes } from '../../notes/src/contract.ts';
import { Markdown } from './contract.ts';
import { tidy } from './tidy.ts';
import { toHtml } from './to-html.ts';

export default definePlugin({
  provides: [Markdown],
  activate(ctx) {
    ctx.provide(Markdown, { toHtml: ({ text }) => ({ html: toHtml(text) }) });
    ctx.hooks.handle(Notes.render, toHtml);
    ctx.middleware.use(`command:${Notes.add.id}`, ({ input }, next) => {
      // The notes' own schema refuses an invalid note, with a better message than this plugin could
      // give.
      return hasText(input) ? next({ ...input, text: tidy(input.text) }) : next();
    });
  },
});

function hasText(input: unknown): input is { readonly text: string } {
  return (
    typeof input === 'object' && input !== null && 'text' in input && typeof input.text === 'string'
  );
}
