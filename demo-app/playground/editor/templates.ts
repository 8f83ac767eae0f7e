/** Plugins to begin with. Each shows one thing. */
import type { Draft } from './link.ts';

/** A plugin to begin with. */
export interface Template extends Draft {
  readonly id: string;
  readonly title: string;
}

const FIXED = { version: '1.0.0', main: 'plugin.js', engines: { plinth: '^1.0.0' } };
const view = (id: string, title: string) => ({ ui: { views: [{ id, title, slot: 'main' }] } });
const SHOWS = {
  provides: ['plinth.view@1'],
  permissions: { contracts: { provide: ['plinth.view'] } },
};

function template(
  id: string,
  title: string,
  { name, ...manifest }: { readonly name: string } & Readonly<Record<string, unknown>>,
  code: string,
): Template {
  const whole = { id: `playground.${id}`, name, ...FIXED, ...manifest };
  return { id, title, manifest: `${JSON.stringify(whole, undefined, 2)}\n`, code };
}

/** All of them, the first one first. */
export const TEMPLATES: readonly Template[] = [
  template(
    'counter',
    'A counter that keeps its count',
    { name: 'Counter', ...SHOWS, contributes: view('counter', 'Counter') },
    `import { definePlugin } from '@plinth/sdk';
import { h, View, views } from '@plinth/ui';

let count = 0;

export default definePlugin({
  provides: [View],
  activate(ctx) {
    const more = () => {
      count += 1;
      ctx.logger.info('counted', { count });
    };
    views(ctx, {
      counter: () =>
        h(
          'stack',
          { gap: 'small' },
          h('text', null, \`Count \${count}\`),
          h('button', { tone: 'accent', onPress: more }, 'More'),
        ),
    });
  },
  // Change the code and save it: the next version goes on with this count.
  getState: () => count,
  restoreState(last) {
    count = last as number;
  },
});
`,
  ),
  template(
    'greeter',
    'A command with a schema',
    {
      name: 'Greeter',
      contributes: {
        commands: [
          {
            id: 'greet',
            title: 'Greet a person',
            input: {
              type: 'object',
              properties: { name: { type: 'string', minLength: 1, examples: ['Ada'] } },
              required: ['name'],
            },
          },
        ],
      },
    },
    `import { definePlugin } from '@plinth/sdk';

interface Greeting {
  readonly name: string;
}

export default definePlugin({
  activate(ctx) {
    // The kernel has checked the input by the schema in plugin.json. Run it in "Commands".
    ctx.commands.handle('greet', ({ name }: Greeting, call) => {
      ctx.logger.info('greets', { name, for: call.caller.id });
      return { text: \`Hello \${name}\` };
    });
  },
});
`,
  ),
  template(
    'stream',
    'A stream',
    {
      name: 'Countdown',
      contributes: {
        commands: [
          {
            id: 'count',
            title: 'Count down',
            input: {
              type: 'object',
              properties: { from: { type: 'integer', minimum: 1, maximum: 100, default: 10 } },
            },
          },
        ],
      },
    },
    `import { definePlugin } from '@plinth/sdk';

interface Countdown {
  readonly from: number;
}

export default definePlugin({
  activate(ctx) {
    // Each item is sent when its reader wants it. Cancel it in "Commands", and the loop ends.
    ctx.commands.handle('count', async function* ({ from }: Countdown, call) {
      for (let left = from; left > 0 && !call.signal.aborted; left--) {
        yield { left };
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    });
  },
});
`,
  ),
  template(
    'listener',
    'A listener for events of another plugin',
    { name: 'Listener', permissions: { events: { subscribe: ['demo.notes:*'] } } },
    `import { definePlugin } from '@plinth/sdk';

export default definePlugin({
  activate(ctx) {
    // Add a note in "Commands" with demo.notes:add, and look at the log here.
    ctx.events.on('demo.notes:*', ({ topic, payload, source }) => {
      ctx.logger.info(topic, { payload, source });
      return ctx.events.emit('heard', { topic });
    });
  },
});
`,
  ),
  template(
    'list',
    'A view with a field and a list',
    { name: 'To do', ...SHOWS, contributes: view('list', 'To do') },
    `import { definePlugin } from '@plinth/sdk';
import { h, View, views } from '@plinth/ui';

let things: string[] = [];
let typed = '';

function add() {
  if (typed.trim() !== '') things = [...things, typed.trim()];
  typed = '';
}

const row = (thing: string) =>
  h('item', { key: thing, onPress: () => { things = things.filter((one) => one !== thing); } }, thing);

export default definePlugin({
  provides: [View],
  activate(ctx) {
    views(ctx, {
      list: () =>
        h(
          'stack',
          { gap: 'small' },
          h('field', {
            label: 'What is to be done',
            value: typed,
            onInput: (value) => { typed = value; },
            onSubmit: add,
          }),
          h('button', { onPress: add }, 'Add'),
          things.length === 0
            ? h('text', { tone: 'plain' }, 'Nothing is to be done.')
            : h('list', { label: 'To do, press what is done' }, ...things.map(row)),
        ),
    });
  },
  getState: () => things,
  restoreState(last) {
    things = last as string[];
  },
});
`,
  ),
  template(
    'asker',
    'A plugin that asks for a right',
    { name: 'Asker', contributes: { commands: [{ id: 'ask', title: 'Ask for a right' }] } },
    `import { definePlugin } from '@plinth/sdk';

export default definePlugin({
  activate(ctx) {
    const ask = () =>
      ctx.permissions.request('commands.execute', 'demo.notes:list', {
        why: 'to count your notes',
        for: 300_000,
      });
    ctx.commands.handle('ask', ask);
    // You are asked at once. Code that came by a link is refused without a question.
    void ask().then(async (granted) => {
      if (!granted) return ctx.logger.warn('goes without the right');
      const notes = (await ctx.commands.execute('demo.notes:list')) as readonly unknown[];
      ctx.logger.info('notes were counted', { notes: notes.length });
    });
  },
});
`,
  ),
];
