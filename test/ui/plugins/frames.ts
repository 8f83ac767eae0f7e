/** A plugin with a frame whose script a test sets. */
import { definePlugin } from '@plinth/sdk';
import { Frame, frames } from '@plinth/ui';

let count = 0;
let code = '';
const told: unknown[] = [];
const gate = Promise.withResolvers<void>();

export default definePlugin({
  provides: [Frame],
  activate(ctx) {
    const shown = frames(ctx, {
      panel: {
        get script() {
          return code;
        },
        calls: {
          add: (number: number) => {
            count += number;
            return count;
          },
          tell: (what: unknown) => void told.push(what),
          fail() {
            throw new Error('it has failed');
          },
          wait() {
            told.push('waits');
            return gate.promise;
          },
          large: () => 'x'.repeat(1_000_000),
        },
      },
    });
    ctx.commands.handle('code', (next) => {
      code = next as string;
    });
    ctx.commands.handle('told', () => told);
    ctx.commands.handle('send', (message) => shown.send('panel', message));
    ctx.commands.handle('go', () => gate.resolve());
    ctx.commands.handle('crash', () => {
      setTimeout(() => {
        throw new Error('gone');
      }, 0);
      return new Promise(() => {});
    });
  },
  getState: () => code,
  restoreState(last) {
    code = last as string;
  },
});
