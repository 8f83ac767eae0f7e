/** Counts words. */
import { definePlugin } from '@plinth/sdk';
import { CliCommands } from '@plinth/sdk/contracts';

export default definePlugin({
  provides: [CliCommands],
  activate(ctx) {
    ctx.provide(CliCommands, {
      list: () => [{ name: 'count', description: 'Counts the words that it is given.' }],
      run({ name, args }, call) {
        if (name !== 'count') call.fail('unknownCommand', { name });
        if (args.length === 0) return { exitCode: 2, stderr: 'count: no words\n' };
        return { exitCode: 0, stdout: `${args.length} words\n` };
      },
    });
  },
});
