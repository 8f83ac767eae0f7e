/** Spans of calls, hooks, events and starts, with the real SDK. */
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { AlwaysOffSampler } from '@opentelemetry/sdk-trace-base';
import { otel } from '@plinth/otel/host';
import { command, contract } from '@plinth/sdk';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { has } from '../matrix/gaps.ts';
import { rejection, type Setting, startKernel } from '../support/kernels.ts';
import { CRASH, pluginOf } from '../support/plugins.ts';
import { parentOf, traceparentOf, tracing } from './sdk.ts';

const rights = {
  permissions: {
    commands: { execute: ['*'] },
    hooks: { call: ['*'], handle: ['*'] },
    events: { subscribe: ['*'], emit: ['*'] },
  },
};

/** Answers with the trace that its call carries, after the next one has been asked. */
const hop = (id: string, next?: string) =>
  pluginOf(
    id,
    `ctx.commands.handle('go', async (_, call) => [call.traceparent, ...${
      next === undefined ? '[]' : `await ctx.commands.execute('${next}', 1, call)`
    }]);
     ctx.commands.handle('fail', () => { throw new TypeError('no'); });
     ctx.commands.handle('slow', () => new Promise(() => {}));
     ctx.hooks.handle('test:ask', (_, call) => call.traceparent);
     ctx.commands.handle('ask', () => ctx.hooks.collect('test:ask', 1));
     ctx.commands.handle('emit', (_, call) => ctx.events.emit('test:happened', 1, call));
     ctx.events.on('test:begin', (event) => ctx.commands.execute('test.c:go', 1, event));
     ${CRASH}`,
    rights,
  );
const hops = [hop('test.a', 'test.b:go'), hop('test.b', 'test.c:go'), hop('test.c')];

const GIVEN = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

const settings: readonly Setting[] = [
  { isolation: 'worker', createHost },
  { isolation: 'inline' },
  ...((await has('wall')) ? [{ isolation: 'sandbox', createHost } as const] : []),
];

describe.each(settings)(`${runtime} $isolation: a trace`, (setting) => {
  it('goes through three plugins, each span within that of its caller', async () => {
    const { tracer, span, spans } = tracing();
    const kernel = await startKernel(setting, hops, { extensions: [otel({ tracer })] });
    const seen = await kernel.commands.execute('test.a:go', 1, { traceparent: GIVEN });
    const [a, b, c] = await Promise.all(['a', 'b', 'c'].map((id) => span(`test.${id}:go`)));
    if (a === undefined || b === undefined || c === undefined) throw new Error('no spans');
    // A handler sees the span of its own call.
    expect(seen).toEqual([a, b, c].map((one) => traceparentOf(one.spanContext())));
    expect([a, b, c].map(parentOf)).toEqual([
      '00f067aa0ba902b7',
      a.spanContext().spanId,
      b.spanContext().spanId,
    ]);
    for (const one of [a, b, c])
      expect(one.spanContext().traceId).toBe('4bf92f3577b34da6a3ce929d0e0e4736');
    expect(a.parentSpanContext?.isRemote).toBe(true);
    expect(b.attributes).toEqual({
      'plugin.tenant': 'tenant-0',
      'plugin.id': 'test.b',
      'plugin.command': 'test.b:go',
      'plugin.caller': 'test.a',
    });
    expect(spans().filter(({ name }) => name.endsWith(':go'))).toHaveLength(3);
  });

  it('is begun for a share of the calls, with all that is done for one, or nothing', async () => {
    const { tracer, span, spans, reset } = tracing();
    const kernel = await startKernel(setting, hops, { extensions: [otel({ tracer, sample: 0 })] });
    reset();
    expect(await kernel.commands.execute('test.a:go')).toEqual([undefined, undefined, undefined]);
    expect(spans()).toEqual([]);
    // What comes with a trace is in it.
    await kernel.commands.execute('test.a:go', 1, { traceparent: GIVEN });
    await span('test.a:go');
    expect(spans()).toHaveLength(3);
  });

  it("is left out where the SDK's sampler says so", async () => {
    const { tracer, spans } = tracing(new AlwaysOffSampler());
    const kernel = await startKernel(setting, hops, { extensions: [otel({ tracer })] });
    expect(await kernel.commands.execute('test.a:go')).toEqual([undefined, undefined, undefined]);
    expect(spans()).toEqual([]);
  });

  it('links what an event causes to the span of the event', async () => {
    const { tracer, span, reset } = tracing();
    const kernel = await startKernel(setting, [hop('test.a'), hop('test.c')], {
      extensions: [otel({ tracer })],
    });
    reset();
    await kernel.events.emit('test:begin', 1);
    const event = await span('publish test:begin');
    const caused = await span('test.c:go');
    expect(event.kind).toBe(SpanKind.PRODUCER);
    expect(caused.spanContext().traceId).not.toBe(event.spanContext().traceId);
    expect(parentOf(caused)).toBeUndefined();
    expect(caused.links.map((link) => link.context.spanId)).toEqual([event.spanContext().spanId]);
  });
});

describe(`${runtime}: spans`, () => {
  const start = async (options: object = {}, packages = hops) => {
    const traced = tracing();
    const kernel = await startKernel({ isolation: 'worker', createHost }, packages, {
      ...options,
      extensions: [otel({ tracer: traced.tracer })],
    });
    return { ...traced, kernel };
  };

  it('have the code of the error that a call ends with, and no message', async () => {
    const { kernel, span } = await start({ limits: { activate: 5_000 } });
    await rejection(kernel.commands.execute('test.a:fail'));
    expect(await span('test.a:fail')).toMatchObject({
      status: { code: SpanStatusCode.ERROR, message: 'TypeError' },
      attributes: { 'error.type': 'TypeError' },
    });
    await rejection(kernel.commands.execute('test.a:slow', 1, { timeout: 20 }));
    expect(await span('test.a:slow')).toMatchObject({
      attributes: { 'error.type': 'call/timeout' },
    });
    await rejection(kernel.commands.execute('test.a:crash'));
    expect((await span('plugin.crash')).attributes).toMatchObject({ 'plugin.id': 'test.a' });
  });

  it('begin a trace where the given one is none', async () => {
    const { kernel, span } = await start();
    await kernel.commands.execute('test.c:go', 1, { traceparent: '00-zz' });
    expect(parentOf(await span('test.c:go'))).toBeUndefined();
  });

  it('are there for handlers of hooks and for events of plugins', async () => {
    const { kernel, span, spans } = await start();
    const seen = (await kernel.commands.execute('test.a:ask')) as readonly string[];
    const asked = await span('test.a:ask');
    const answered = spans().filter(({ name }) => name === 'hook test:ask');
    expect(answered).toHaveLength(3);
    expect(new Set(seen)).toEqual(new Set(answered.map((one) => traceparentOf(one.spanContext()))));
    expect(new Set(answered.map(parentOf))).toEqual(new Set([asked.spanContext().spanId]));
    expect(answered.map(({ attributes }) => attributes['plugin.id']).sort()).toEqual([
      'test.a',
      'test.b',
      'test.c',
    ]);
    await kernel.commands.execute('test.a:emit');
    expect(parentOf(await span('publish test:happened'))).toBe(
      (await span('test.a:emit')).spanContext().spanId,
    );
  });

  it('name the plugin that has answered a contract', async () => {
    const Panel = contract('com.acme.panel@1', { draw: command({}) });
    const provider = pluginOf(
      'test.panel',
      "ctx.commands.handle('com.acme.panel:draw', () => 1);",
      {
        provides: ['com.acme.panel@1'],
        permissions: { contracts: { provide: ['com.acme.panel'] } },
      },
    );
    const { kernel, span } = await start({ contracts: [Panel] }, [provider]);
    await kernel.client(Panel).draw(1);
    expect((await span('com.acme.panel:draw')).attributes).toMatchObject({
      'plugin.id': 'test.panel',
      'plugin.command': 'com.acme.panel:draw',
    });
  });

  it('show a start with its phases, a replacement and a stop', async () => {
    const { kernel, span, spans } = await start({}, [hop('test.a')]);
    const started = await span('plugin.start');
    expect(started.attributes).toMatchObject({
      'plugin.id': 'test.a',
      'plugin.version': '1.0.0',
      'plugin.activated_by': 'startup',
    });
    const phases = spans().filter((one) => parentOf(one) === started.spanContext().spanId);
    const known = ['read', 'verify', 'spawn', 'import', 'configure', 'activate'];
    expect(phases.map(({ name }) => name)).toEqual(known.map((phase) => `plugin.${phase}`));
    await kernel.plugins.reload('test.a');
    const reload = await span('plugin.reload');
    expect(reload.attributes).toMatchObject({ 'plugin.id': 'test.a' });
    const again = spans().filter((one) => parentOf(one) === reload.spanContext().spanId);
    expect(again.map(({ name }) => name)).toContain('plugin.activate');
    await kernel.plugins.deactivate('test.a');
    await span('plugin.stop');
  });

  it('show a start that fails', async () => {
    const { span } = await start({}, [pluginOf('test.bad', "throw new Error('no');")]);
    expect(await span('plugin.start')).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { 'plugin.id': 'test.bad', 'plugin.phase': 'activate' },
    });
  });

  it('are those of a tenant, and a trace goes from one tenant into another', async () => {
    const { kernel, tracer, spans, span } = await start({}, [hop('test.a', 'host:cross')]);
    const other = kernel.tenant('acme');
    await other.start();
    kernel.commands.handle('cross', async (_, call) => [
      await other.commands.execute('test.a:ask', 1, call),
    ]);
    await kernel.commands.execute('test.a:go');
    const [first, cross, second] = [
      await span('test.a:go'),
      await span('host:cross'),
      await span('test.a:ask'),
    ];
    expect(tracer).toBeDefined();
    expect([cross, second].map(parentOf)).toEqual([
      first.spanContext().spanId,
      cross.spanContext().spanId,
    ]);
    expect(second.attributes['plugin.tenant']).toBe('acme');
    expect(new Set([first, cross, second].map((one) => one.spanContext().traceId)).size).toBe(1);
    expect(spans().some(({ name }) => name.includes('telemetry'))).toBe(false);
  });
});
