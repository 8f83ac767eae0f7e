import { command, contract, definePlugin } from '@plinth/sdk';
import { greeting } from './greeting.js';

const Greeter = contract('example.greeter@1', { greet: command({}) });

export default definePlugin({
  provides: [Greeter],
  activate(ctx) {
    ctx.provide(Greeter, { greet: greeting });
  },
});
