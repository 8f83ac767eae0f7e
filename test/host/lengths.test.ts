/** Endless texts as names, keys, scopes and paths: refused before any of it is kept. */

import { Form, headOf, Kind } from '@plinth/sdk/rpc';
import { describe, expect, it } from 'vitest';
import { createBreachedHost, createHost, rawPost, runtime } from '#host';
import { nextEvent, startKernel } from '../support/kernels.ts';
import { bundleOf, pluginOf } from '../support/plugins.ts';

const neighbour = pluginOf('test.neighbour', `ctx.commands.handle('ping', () => 'pong');`);

const ASKS: readonly string[] = [
  "ctx.permissions.has('commands.execute', text)",
  'ctx.permissions.has(text)',
  "ctx.permissions.request('commands.execute', text)",
  "ctx.permissions.request('commands.execute', 'a:*', { why: text })",
  'ctx.storage.get(text)',
  'ctx.storage.has(text)',
  'ctx.storage.keys(text)',
  'ctx.storage.set(text, 1)',
  'ctx.storage.delete(text)',
  'ctx.storage.update(text, () => 1)',
  'ctx.fs.stat(text)',
  "ctx.fs.write(text, 'x')",
  'ctx.secrets.get(text)',
  'ctx.env.get(text)',
  'ctx.commands.execute(text)',
  "ctx.commands.execute('test.neighbour:ping@' + text)",
  'ctx.events.emit(text)',
  "ctx.events.emit('test.long:' + text)",
  'ctx.hooks.collect(text)',
  'ctx.messaging.send(text, 1)',
  'ctx.fetch(text)',
  "ctx.fetch('https://example.com', { method: text })",
  "ctx.fetch('https://example.com', { headers: { [text]: 'x' } })",
  "ctx.fetch('https://example.com', { headers: { x: text } })",
  'ctx.commands.handle(text, () => 1)',
  'ctx.events.on(text, () => 1)',
  'ctx.hooks.handle(text, () => 1)',
  "ctx.middleware.use('command:' + text, () => 1)",
];

/** Memory of this process in bytes; undefined where that is unknown. */
const used = () => {
  const { process } = globalThis as { process?: { memoryUsage?(): { rss: number } } };
  return process?.memoryUsage?.().rss ?? 0;
};

it.each(['worker', 'inline'] as const)(
  'a plugin without rights gets an error, and its texts are not kept: %s',
  async (isolation) => {
    const setting = isolation === 'inline' ? ({ isolation } as const) : { isolation, createHost };
    const kernel = await startKernel(setting, [
      neighbour,
      pluginOf(
        'test.long',
        `const asks = [${ASKS.map((ask) => `(text) => ${ask}`).join(', ')}];
       ctx.commands.handle('ask', async ({ index, size, times }) => {
         let code;
         for (let n = 0; n < times; n++) { const text = String(n) + 'x'.repeat(size); try { await asks[index](text); code = 'nothing'; } catch (error) { code = error.code; } }
         return code;
       });`,
      ),
    ]);
    const before = used();
    for (const [index, ask] of ASKS.entries()) {
      const code = await kernel.commands.execute('test.long:ask', {
        index,
        size: 3_000_000,
        times: 20,
      });
      expect(String(code), ask).toMatch(
        /^(?:contract|call|event|storage|fs|network|permission|value)\/(?:invalid(?:-\w+)?|denied|failed)$/,
      );
    }
    // Keeping ten of them would take more than that.
    expect(used() - before).toBeLessThan(400_000_000);
    expect(await kernel.commands.execute('test.neighbour:ping')).toBe('pong');
    expect((await kernel.plugins.health('test.long')).refused).toBe(0);
  },
  60_000,
);

it('a plugin without rights that requests ever new things fills no memory', async () => {
  const kernel = await startKernel({ isolation: 'worker', createHost }, [
    neighbour,
    pluginOf(
      'test.many',
      `ctx.commands.handle('ask', async (times) => { for (let n = 0; n < times; n++) await ctx.permissions.has(n % 2 ? 'commands.execute' : 'network.fetch', 'https://example.com/' + n + 'x'.repeat(8_000)); });`,
    ),
  ]);
  await kernel.commands.execute('test.many:ask', 500);
  const before = used();
  await kernel.commands.execute('test.many:ask', 10_000);
  expect(used() - before).toBeLessThan(120_000_000);
}, 60_000);

const head = (sequence: number, kind: keyof typeof Kind) =>
  headOf(sequence, Kind[kind], Form.plain);
/** Requests that no honest guest sends, by the content of `meta`; see `Op`. */
const FORGED: readonly [what: string, op: number, meta: string][] = [
  ['a permission', 8, "['commands.execute', text]"],
  ['a wish', 15, "['commands.execute', text, text, 1]"],
  ['a key', 4, "['get', text]"],
  ['a revision', 4, "['swap', 'a', text]"],
  ['a path', 17, "['stat', text]"],
  ['a secret', 14, '[text]'],
  ['a variable', 18, '[text]'],
  ['a command', 1, '[0, 0, text]'],
  ['a command that is no text', 1, '[0, 0, { toString: 1 }]'],
  ['a topic', 2, '[0, text]'],
  ['a hook', 3, "['collect', 0, 0, 0, text]"],
  ['a message', 13, '[text, 0, 0]'],
  ['facts without end', 1, 'Array.from({ length: 100_000 }, () => 0)'],
];

describe(`${runtime} worker: forged endless texts`, () => {
  it.each(FORGED)(
    'in place of %s are refused, and end their sender when it continues',
    async (_, op, meta) => {
      const kernel = await startKernel({ isolation: 'worker', createHost: createBreachedHost }, [
        neighbour,
        pluginOf(
          'test.forger',
          `const post = ${rawPost};
         ctx.commands.handle('post', (count) => { const text = 'x'.repeat(2_000_000); for (let n = 0; n < count; n++) post([${head(0, 'request')} + (5_000 + n) * 64, ${op}, ${meta}, undefined]); });`,
        ),
      ]);
      const refused = nextEvent(kernel, 'wire:refused');
      const crashed = nextEvent(kernel, 'plugin:crashed');
      kernel.commands.execute('test.forger:post', 40).catch(() => {});
      expect(await refused).toMatchObject({ plugin: 'test.forger' });
      expect(await crashed).toMatchObject({ id: 'test.forger' });
      expect(await kernel.commands.execute('test.neighbour:ping')).toBe('pong');
    },
  );

  it('in what a plugin declares about itself are refused', async () => {
    const kernel = await startKernel({ isolation: 'worker', createHost }, [
      neighbour,
      bundleOf(
        'test.statics',
        `export default { needs: { ['x'.repeat(1_000_000)]: { $id: 'test.other@1' } }, activate() {} };`,
        { needs: ['test.other@^1'] },
      ),
    ]);
    expect(kernel.plugins.get('test.statics')?.state).toBe('failed');
  });
});

it('a log entry keeps nothing of the part that is cut off', async () => {
  const kernel = await startKernel({ isolation: 'worker', createHost: createBreachedHost }, [
    pluginOf(
      'test.log',
      `const post = ${rawPost};
       ctx.commands.handle('log', async (count) => { for (let n = 0; n < count; n++) { post([${head(0, 'note')}, 5, [1, n + 'x'.repeat(3_000_000)], undefined]); await new Promise((done) => setTimeout(done, 1)); } });`,
    ),
  ]);
  await kernel.commands.execute('test.log:log', 20);
  const before = used();
  await kernel.commands.execute('test.log:log', 100);
  expect(kernel.logger.recent('test.log').every(({ message }) => message.length < 10_000)).toBe(
    true,
  );
  expect(used() - before).toBeLessThan(220_000_000);
}, 60_000);
