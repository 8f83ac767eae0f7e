/** An echo plugin whose schemas are valibot's. `guest-bundle.ts` bundles it, as its author would. */
import { definePlugin } from '@plinth/sdk';
import { answer } from '../guest-code.ts';
import { ParsedEcho } from '../parsed-contract.ts';

export default definePlugin({
  provides: [ParsedEcho],
  activate(ctx) {
    ctx.provide(ParsedEcho, { run: answer });
  },
});
