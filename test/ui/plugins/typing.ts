/** A plugin whose field is cleared late: it has heard more than what it says it has. */
import { definePlugin } from '@plinth/sdk';
import { View, type ViewOp } from '@plinth/ui';

/** Whether it says what it has heard. Plugins of the first kit don't. */
interface Props {
  readonly counts: boolean;
}

type Said = readonly [value: string, order: number];

const heard: string[] = [];
const said: Said[] = [];
let wake = () => {};
let first = 0;

export default definePlugin({
  provides: [View],
  activate(ctx) {
    ctx.provide(View, {
      async *open({ props }) {
        const { counts } = props as Props;
        const batch = (order: number, op: ViewOp) =>
          JSON.stringify(counts ? [[5, order], op] : [op]);
        const field = [1, 'field', { label: 'Note', value: '' }, ['input'], []] as const;
        yield batch(0, [0, 0, 0, field]);
        for (;;) {
          while (said.length === 0)
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
          const [value, order] = said.shift() as Said;
          yield batch(order, [3, 1, { value }]);
        }
      },
      event({ detail, order = 0 }) {
        const say = (value: string, of: number) => {
          said.push([value, of]);
          wake();
        };
        heard.push(String(detail));
        if (detail === 'a') first = order;
        // This was decided when `a` was all that was typed.
        if (detail === 'ab') say('', first);
        else say(String(detail).endsWith('x') ? '' : String(detail), order);
      },
    });
    ctx.commands.handle('heard', () => heard);
  },
});
