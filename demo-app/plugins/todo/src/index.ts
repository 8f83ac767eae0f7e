/** A to-do list for a command line. */
import { definePlugin } from '@plinth/sdk';
import { CliCommands } from '@plinth/sdk/contracts';
import { COMMANDS } from './commands.ts';
import { problemOf } from './usage.ts';

export default definePlugin({
  provides: [CliCommands],
  activate(ctx) {
    ctx.provide(CliCommands, {
      list: () =>
        COMMANDS.map(({ name, description, options }) => ({
          name,
          description,
          options: [...options],
        })),
      async run({ name, args, options }, call) {
        const command =
          COMMANDS.find((one) => one.name === name) ?? call.fail('unknownCommand', { name });
        const problem = problemOf(command.options, options);
        if (problem !== undefined) return { exitCode: 2, stderr: `${name}: ${problem}\n` };
        return command.run(ctx.storage, args, options);
      },
    });
  },
});
