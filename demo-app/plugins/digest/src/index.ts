/** Makes digests of notes. Its calls reach three plugins, so that a trace of it shows all of them. */
import { definePlugin, optional } from '@plinth/sdk';
import { Markdown } from '../../markdown/src/contract.ts';
import { Notes } from '../../notes/src/contract.ts';
import { Search } from '../../search/src/contract.ts';
import { Digest } from './contract.ts';

export default definePlugin({
  provides: [Digest],
  needs: { notes: Notes, search: Search, markdown: optional(Markdown) },
  activate({ needs, provide }) {
    provide(Digest, {
      async make({ text }, call) {
        const hits = await needs.search.query({ text }, call);
        const parts: string[] = [];
        for (const { id } of hits) {
          const note = await needs.notes.get({ id }, call);
          if (note !== null) {
            const made = await needs.markdown?.toHtml({ text: note.text }, call);
            parts.push(made?.html ?? note.text);
          }
          call.progress(parts.length / hits.length);
        }
        return { notes: parts.length, html: parts.join('\n') };
      },
      async *follow({ every }, call) {
        while (!call.signal.aborted) {
          yield { notes: (await needs.notes.list()).length };
          await new Promise((resolve) => setTimeout(resolve, every));
        }
      },
    });
  },
});
