import { definePlugin } from '@plinth/sdk';
import * as v from 'valibot';
import { __NAME__ } from './contract.ts';

export default definePlugin({
  provides: [__NAME__],
  config: v.object({ word: v.optional(v.string(), 'Hello') }),
  activate(ctx) {
    ctx.provide(__NAME__, {
      async greet({ name }) {
        const next = await ctx.storage.update(`times:${name}`, (n) => Number(n ?? 0) + 1);
        await ctx.events.emit(__NAME__.greeted, { name });
        return { text: `${ctx.config.word}, ${name}!`, times: Number(next) };
      },
    });
    ctx.logger.info('ready to greet');
  },
});
