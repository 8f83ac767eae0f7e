/** Answers messages that are arithmetic expressions. */
import { definePlugin } from '@plinth/sdk';
import { MessageHandler } from '@plinth/sdk/contracts';
import { calculate } from './calculate.ts';

export default definePlugin({
  provides: [MessageHandler],
  activate(ctx) {
    ctx.provide(MessageHandler, {
      canHandle: (message) => confidence(message),
      handle(message) {
        const result = typeof message === 'string' ? calculate(sumOf(message)) : undefined;
        if (result === undefined) throw new Error('this is not a sum');
        return { result };
      },
    });
  },
});

/** A leading `=` marks an expression. A number alone may be meant for another plugin. */
function confidence(message: unknown): number {
  if (typeof message !== 'string' || calculate(sumOf(message)) === undefined) return 0;
  if (message.trimStart().startsWith('=')) return 1;
  return /\d\s*[-+*/^(]|\)/.test(message) ? 0.9 : 0.1;
}

function sumOf(message: string): string {
  return message.trim().replace(/^=/, '');
}
