/** A plugin as its author writes it: it imports only the SDK. */
import { command, contract, definePlugin, hook, PluginError } from '@plinth/sdk';

const Greeter = contract('example.greeter@1', { greet: command({}), decorate: hook({}) });

export default definePlugin({
  provides: [Greeter],
  async activate(ctx) {
    ctx.provide(Greeter, {
      async greet(name) {
        if (typeof name !== 'string') throw new PluginError('call/failed', 'a name is a text');
        const times = await ctx.storage.update<number>(name, (n = 0) => n + 1);
        return { text: `hello ${name}`, times };
      },
      decorate: (text) => `*${String(text)}*`,
    });
  },
});
