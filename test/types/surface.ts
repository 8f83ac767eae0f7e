/**
 * The public surface infers types: users never write a generic. Lines that must not compile are
 * marked.
 */
import type { Kernel } from '@plinth/kernel';
import {
  bytes,
  command,
  contract,
  definePlugin,
  event,
  hook,
  isError,
  optional,
  PluginDeclaredError,
  type StopReason,
  type Stream,
  stream,
  transfer,
} from '@plinth/sdk';
import { DataProvider, HealthCheck, MessageHandler, Plugins } from '@plinth/sdk/contracts';
import { type Check, contractChecks } from '@plinth/sdk/testing';
import * as v from 'valibot';

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function expectType<T extends true>(): T | undefined {
  return undefined;
}

export const Notes = contract('com.example.notes@1', {
  add: command({
    input: v.object({ text: v.string() }),
    output: v.object({ id: v.string() }),
    errors: { full: v.object({ max: v.number() }) },
    idempotent: true,
    timeout: 5_000,
  }),
  count: command({ output: v.number() }),
  added: event(v.object({ id: v.string() })),
  render: hook({ input: v.string(), output: v.string() }),
});
const Search = contract('com.example.search@1', {
  query: command({ input: v.object({ q: v.string() }), output: v.array(v.string()) }),
});

const Files = contract('com.example.files@1', {
  tail: command({
    input: v.object({ file: v.string() }),
    output: stream(v.object({ line: v.string() })),
  }),
  store: command({ input: bytes(), output: v.number() }),
  moved: event(v.object({ x: v.number() }), { overflow: 'latest', queue: 1 }),
});
// @ts-expect-error no such policy
event(v.number(), { overflow: 'perhaps' });

export const streaming = definePlugin({
  provides: [Files],
  activate(ctx) {
    ctx.provide(Files, {
      async *tail({ file }) {
        yield { line: file };
      },
      async store(source) {
        expectType<Equal<typeof source, ReadableStream<Uint8Array>>>();
        return 1;
      },
    });
    ctx.provide(Files, {
      // @ts-expect-error items of the wrong kind
      async *tail() {
        yield 1;
      },
      store: () => 1,
    });
    ctx.events.on(Files.moved, ({ x }) => x.toFixed(), { overflow: 'block', queue: 10 });
  },
});

export async function readStreams(kernel: Kernel): Promise<void> {
  const files = kernel.client(Files);
  const lines = await files.tail({ file: 'a' });
  expectType<Equal<typeof lines, Stream<{ line: string }>>>();
  for await (const { line } of lines) line.trim();
  await files.store(new ReadableStream<Uint8Array>());
  const moved = transfer({ data: new ArrayBuffer(1) }, [new ArrayBuffer(1)]);
  expectType<Equal<typeof moved, { data: ArrayBuffer }>>();
}

export const plugin = definePlugin({
  provides: [Notes],
  needs: { search: optional(Search), must: Search },
  config: v.object({ max: v.optional(v.number(), 100) }),
  configure(config, previous) {
    expectType<Equal<typeof config, { max: number }>>();
    expectType<Equal<typeof previous, { max: number } | undefined>>();
  },
  deactivate(reason) {
    expectType<Equal<typeof reason, StopReason>>();
  },
  async activate(ctx) {
    expectType<Equal<typeof ctx.config.max, number>>();
    ctx.provide(Notes, {
      async add({ text }, call) {
        if (ctx.config.max < 1) call.fail('full', { max: 1 });
        await ctx.events.emit(Notes.added, { id: text });
        // @ts-expect-error no such declared error
        if (text === '') call.fail('nope', {});
        // @ts-expect-error wrong data for the declared error
        if (text === '') call.fail('full', { min: 1 });
        return { id: text };
      },
      count: () => 5,
      render: (text) => text.trim(),
    });
    const found = await ctx.needs.must.query({ q: 'x' });
    expectType<Equal<typeof found, string[]>>();
    const maybe = await ctx.needs.search?.query({ q: 'x' }, { timeout: 5, signal: ctx.signal });
    expectType<Equal<typeof maybe, string[] | undefined>>();
    ctx.events.on(Notes.added, (payload, info) => [payload.id.length, info.source.length]);
    ctx.events.on('user:*', (event) => event.topic.length);
    const rendered = await ctx.hooks.collect(Notes.render, 'x');
    expectType<Equal<typeof rendered, string[]>>();
    ctx.commands.handle('typed', (name: string) => name.length);
    ctx.commands.handle('untyped', (input, call) => [input, call.caller.id]);
    const next = await ctx.storage.update('n', (n: number | undefined) => (n ?? 0) + 1);
    expectType<Equal<typeof next, number>>();
    // @ts-expect-error incomplete: count and render are missing
    ctx.provide(Notes, { add: () => ({ id: '' }) });
    // @ts-expect-error wrong output
    ctx.provide(Search, { query: () => [1] });
    // @ts-expect-error an optional need may be absent
    ctx.needs.search.query({ q: '' });
    // @ts-expect-error wrong payload
    ctx.events.emit(Notes.added, { idd: 1 });
    // @ts-expect-error no payload
    ctx.events.emit(Notes.added);
    // @ts-expect-error wrong input
    ctx.hooks.collect(Notes.render, 5);
    ctx.events.emit('anything', { goes: true });
    expectType<Equal<Awaited<ReturnType<typeof ctx.hooks.first<'a:b'>>>, unknown>>();
    const managed = await ctx.services.get(Plugins).list();
    expectType<Equal<(typeof managed)[number]['enabled'], boolean>>();
    // @ts-expect-error no plugin is named
    ctx.services.get(Plugins).disable({});
    await ctx.settings.set('com.example.theme', {
      dark: (await ctx.settings.get('com.example.theme')).dark !== true,
    });
    // @ts-expect-error configuration is read-only
    ctx.config.max = 5;
  },
});

export async function host(kernel: Kernel): Promise<void> {
  const notes = kernel.client(Notes);
  const { id } = await notes.add({ text: 'hi' }, { user: 'u1', timeout: 500 });
  expectType<Equal<typeof id, string>>();
  const count = await notes.count();
  expectType<Equal<typeof count, number>>();
  kernel.events.on('plugin:activated', (event) => [
    event.payload.took.toFixed(),
    event.payload.capabilities.length,
  ]);
  kernel.events.on('plugin:deactivated', ({ payload: { reason } }) => reason satisfies StopReason);
  expectType<
    Equal<ReturnType<typeof kernel.plugins.capabilities>['commands'][number]['active'], boolean>
  >();
  kernel.events.on(Notes.added, (payload) => payload.id.length);
  kernel.provide(Search, { query: ({ q }) => [q] });
  // @ts-expect-error a scope is of a permission
  kernel.permissions.forget('com.example.notes', undefined, 'app:*');
  // @ts-expect-error wrong input
  notes.add({ txt: 'hi' });
  // @ts-expect-error events have no client method
  notes.added();
  // @ts-expect-error not a kernel event's payload
  kernel.events.on('plugin:failed', (event) => event.payload.nothing);
  // @ts-expect-error a handler is missing
  kernel.provide(Search, {});
  try {
    await notes.add({ text: '' });
  } catch (error) {
    if (error instanceof PluginDeclaredError) error.code.length;
  }
}

export const wireId: 'com.example.notes:add' = Notes.add.id;
// @ts-expect-error no such member
Notes.remove;

export function checked(kernel: Kernel): readonly Check[] {
  const data = kernel.client(DataProvider);
  const ask = (message: unknown) => kernel.hooks.collect(MessageHandler.canHandle, message);
  // @ts-expect-error whether a message is its own can't be guessed
  contractChecks(MessageHandler, kernel.client(MessageHandler));
  // @ts-expect-error no such sample
  contractChecks(DataProvider, data, { table: 'orders' });
  // @ts-expect-error samples of another contract
  contractChecks(DataProvider, data, { mine: [], foreign: [], ask });
  // @ts-expect-error the client of another contract
  contractChecks(DataProvider, kernel.client(HealthCheck));
  // @ts-expect-error a contract without checks
  contractChecks(Search, kernel.client(Search));
  return [
    ...contractChecks(DataProvider, data),
    ...contractChecks(DataProvider, data, { source: 'orders' }),
    ...contractChecks(HealthCheck, kernel.client(HealthCheck, { provider: 'com.example.health' }), {
      status: 'healthy',
    }),
    ...contractChecks(MessageHandler, kernel.client(MessageHandler), {
      mine: ['/weather'],
      foreign: [7],
      ask,
    }),
  ];
}

export const checking = definePlugin({
  needs: { health: HealthCheck },
  async activate(ctx) {
    for (const { name, run } of contractChecks(HealthCheck, ctx.needs.health))
      await run().catch((error) => ctx.logger.warn(name, { error: String(error) }));
  },
});

/** Commands that declare no errors fail with none. */
const Quiet = contract('com.example.quiet@1', {
  plain: command({}),
  typed: command({ input: v.string() }),
  ask: hook({}),
  listed: command({ errors: { full: v.object({ max: v.number() }) } }),
});
export const quiet = definePlugin({
  provides: [Quiet],
  activate(ctx) {
    ctx.provide(Quiet, {
      // @ts-expect-error nothing is declared
      plain: (_, call) => call.fail('undeclared', 1),
      // @ts-expect-error nothing is declared
      typed: (_, call) => call.fail('undeclared', 1),
      // @ts-expect-error a hook has no declared errors
      ask: (_, call) => call.fail('undeclared', 1),
      listed: (_, call) => call.fail('full', { max: 1 }),
    });
    // @ts-expect-error a command that is called by its id declares nothing
    ctx.commands.handle('loose', (_, call) => call.fail('undeclared', 1));
  },
});

export async function declared(kernel: Kernel): Promise<number> {
  try {
    await kernel.client(Quiet).listed();
  } catch (error) {
    if (isError(Quiet.listed, 'full', error)) {
      expectType<Equal<typeof error.data, { max: number }>>();
      return error.data.max;
    }
    // @ts-expect-error not one of its errors
    isError(Quiet.listed, 'other', error);
    // @ts-expect-error it declares none
    isError(Quiet.plain, 'full', error);
  }
  // @ts-expect-error wrong payload
  kernel.events.emit(Notes.added, 5);
  // @ts-expect-error wrong input
  kernel.hooks.waterfall(Notes.render, 5);
  return 0;
}
