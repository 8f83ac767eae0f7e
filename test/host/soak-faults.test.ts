/**
 * Faults found with the soak or while writing it, one test each. A test here that begins to fail
 * means that its fault is fixed: move it, as `it`, to the suite of its subject, and remove what the
 * soak marks KNOWN for it.
 */

import { createKernel, type KernelOptions, packageOf } from '@plinth/kernel';
import { command, contract } from '@plinth/sdk';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { nextEvent, rejection, type Setting, startKernel } from '../support/kernels.ts';
import { CRASH, pluginOf } from '../support/plugins.ts';

const setting: Setting = { isolation: 'worker', createHost };
const quick = { backoff: 10, maxBackoff: 20, heartbeat: 50, timeout: 10_000 };
/** Provides `MessageHandler` with the handlers given as text. */
const handling = (handlers: string) =>
  `ctx.provide({ $id: 'plinth.message-handler@1', canHandle: { kind: 'hook', id: 'plinth.message-handler:canHandle' }, handle: { kind: 'command', id: 'plinth.message-handler:handle', errors: {}, idempotent: false } }, ${handlers});`;
const HANDLES = { provides: ['plinth.message-handler@1'] };
const codeOf = (error: { readonly code?: string }) => error.code;

describe(`${runtime} worker: policies and guests that end and return`, () => {
  const narrow = (version = '1.0.0', wait = 5) =>
    pluginOf(
      'test.narrow',
      `ctx.commands.handle('work', async (n) => { await new Promise((go) => setTimeout(go, ${wait})); return n; });`,
      { version },
    );
  const one: KernelOptions = {
    resilience: { 'test.narrow:work': { bulkhead: { concurrency: 1, queue: 100 } } },
  };

  // kernel/src/resilience/guards.ts:52: `attempt` keeps the registration that existed when the call
  // arrived. The old guest ends as soon as its link is idle (lifecycle/swap.ts `retire`), even if
  // calls wait in front of it.
  it('calls that wait in a bulkhead while their plugin is reloaded are answered, not `guest/terminated`', async () => {
    const kernel = await startKernel(setting, [narrow()], one);
    const calls = Array.from({ length: 60 }, (_, n) =>
      kernel.commands.execute('test.narrow:work', n).catch(codeOf),
    );
    await calls[0];
    await kernel.plugins.reload('test.narrow', packageOf(narrow('1.0.1')));
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 60 }, (_, n) => n));
  });

  // The same, worse: kernel/src/guests/registrations.ts:313 `send?.(call, input)`: a registration
  // without a guest that has been replaced takes the call and does nothing. The call ends at its
  // deadline without an answer.
  it('calls that wait in a bulkhead for a hibernated plugin are answered, not lost', async () => {
    const kernel = await startKernel(setting, [narrow('1.0.0', 0)], one);
    expect(await kernel.plugins.hibernate('test.narrow')).toBe(true);
    const calls = [1, 2].map((n) =>
      kernel.commands.execute('test.narrow:work', n, { timeout: 20_000 }).catch(codeOf),
    );
    expect(await Promise.all(calls)).toEqual([1, 2]);
  });

  // The same place: `guest/crashed` is retryable, and each retry goes to the crashed guest.
  it('a retry after a crash reaches the restarted guest', async () => {
    const fragile = pluginOf(
      'test.fragile',
      `ctx.provide({ $id: 'test.fragile@1', work: { kind: 'command', id: 'test.fragile:work', errors: {}, idempotent: true } }, {
         work: async () => {
           if (await ctx.storage.has('crashed')) return 'works';
           await ctx.storage.set('crashed', true);
           setTimeout(() => { throw new Error('gone'); }, 0);
           return new Promise(() => {});
         },
       });`,
      { provides: ['test.fragile@1'], permissions: { storage: { read: true, write: true } } },
    );
    const kernel = await startKernel(setting, [fragile], {
      supervision: quick,
      resilience: {
        'test.fragile:work': { retry: { attempts: 100, backoff: 100, maxBackoff: 100 } },
      },
    });
    expect(await kernel.commands.execute('test.fragile:work')).toBe('works');
  });

  // kernel/src/commands/command-registry.ts `#wakeAndExecute`: the target of a call that wakes has
  // no guard around it.
  it('a fallback answers for an unavailable plugin', async () => {
    const kernel = await startKernel(
      setting,
      [pluginOf('test.shaky', `ctx.commands.handle('work', () => 'works'); ${CRASH}`)],
      {
        resilience: { 'test.shaky:work': { fallback: () => 'instead' } },
        supervision: { ...quick, crashes: 1 },
      },
    );
    expect(await kernel.commands.execute('test.shaky:work')).toBe('works');
    await rejection(kernel.commands.execute('test.shaky:crash'));
    expect(await kernel.commands.execute('test.shaky:work')).toBe('instead');
  });

  // kernel/src/resilience/answer-cache.ts `#fetch` and guards.ts:53: the shared fetch is a child of
  // the call that began it.
  it('a caller that shares a cache fetch is not cancelled with the caller that began it', async () => {
    const kept = pluginOf(
      'test.kept',
      `const waiting = []; let open = false;
       ctx.commands.handle('work', (n) => n === 0 || open ? 'works' : new Promise((done) => waiting.push(() => done('works'))));
       ctx.commands.handle('go', () => { open = true; for (const go of waiting) go(); });`,
    );
    const kernel = await startKernel(setting, [kept], {
      resilience: { 'test.kept:work': { cache: 1_000 } },
    });
    await kernel.commands.execute('test.kept:work', 0);
    const stop = new AbortController();
    const first = rejection(kernel.commands.execute('test.kept:work', 1, { signal: stop.signal }));
    const second = kernel.commands.execute('test.kept:work', 1).catch(codeOf);
    await expect.poll(async () => (await kernel.plugins.health('test.kept')).pending).toBe(1);
    stop.abort();
    expect((await first).code).toBe('call/cancelled');
    await kernel.commands.execute('test.kept:go');
    expect(await second).toBe('works');
  });
});

describe(`${runtime} worker: clocks`, () => {
  // cockatiel's CircuitBreakerPolicy.js:167 and :285 measure `halfOpenAfter` by Date.now
  // (kernel/src/resilience/engine.ts `breakerOf`).
  it('a breaker allows a trial after `halfOpenAfter`, also when the clock was set back', async () => {
    const Api = contract('test.api@1', { work: command({}) });
    const kernel = await createKernel({
      resilience: { 'test.api:*': { breaker: { calls: 2, halfOpenAfter: 200 } } },
    });
    let fails = true;
    kernel.provide(Api, {
      work() {
        if (fails) throw new Error('no');
        return 'works';
      },
    });
    const api = kernel.client(Api);
    const now = Date.now;
    try {
      for (let n = 0; n < 2; n++) await rejection(api.work());
      expect(await rejection(api.work())).toMatchObject({ code: 'call/circuit-open' });
      fails = false;
      Date.now = () => now() - 3_600_000;
      await expect.poll(() => api.work().catch(codeOf)).toBe('works');
    } finally {
      Date.now = now;
      await kernel.stop();
    }
  });

  // In sdk/src/guest/lanes/outgoing-lane.ts: `parent.deadline - Date.now()`; through the kernel the
  // same call keeps its time.
  it('a call over a lane has its remaining time, also when the clock jumps', async () => {
    const provider = pluginOf(
      'test.provider',
      `ctx.commands.handle('ping', () => 'pong'); ctx.commands.handle('slow', () => new Promise((go) => setTimeout(() => go('slow'), 60)));`,
    );
    const caller = pluginOf(
      'test.caller',
      `ctx.commands.handle('often', async () => { for (let n = 0; n < 40; n++) await ctx.commands.execute('test.provider:ping'); });
       ctx.commands.handle('go', async (_, call) => {
         const now = Date.now;
         Date.now = () => now() + 3_600_000;
         try { await null; return await ctx.commands.execute('test.provider:slow', 1, call); } finally { Date.now = now; }
       });`,
      { permissions: { commands: { execute: ['*'] } } },
    );
    const kernel = await startKernel(setting, [provider, caller], { lanes: { calls: 10 } });
    const opened = nextEvent(kernel, 'lane:opened');
    await kernel.commands.execute('test.caller:often');
    await opened;
    expect(await kernel.commands.execute('test.caller:go')).toBe('slow');
  });
});

describe(`${runtime} worker: plugins that restart`, () => {
  // kernel/src/commands/command-registry.ts `#wakeAndExecute`: calls that wait for a restart
  // continue a few microtasks after `plugin:restarted`; calls made meanwhile go straight to the
  // guest, before them.
  it('calls that wait for a plugin are answered before later ones', async () => {
    const fragile = pluginOf(
      'test.fragile',
      `const seen = []; ctx.commands.handle('take', (n) => { seen.push(n); }); ctx.commands.handle('seen', () => seen); ${CRASH}`,
    );
    const kernel = await startKernel(setting, [fragile], { supervision: quick });
    await rejection(kernel.commands.execute('test.fragile:crash'));
    const calls = [1, 2, 3].map((n) => kernel.commands.execute('test.fragile:take', n));
    const activated = nextEvent(kernel, 'plugin:activated');
    await activated;
    calls.push(kernel.commands.execute('test.fragile:take', 4));
    await Promise.all(calls);
    expect(await kernel.commands.execute('test.fragile:seen')).toEqual([1, 2, 3, 4]);
  });

  // kernel/src/supervision/supervisor.ts `steered` ends the restart, and kernel/src/tenant.ts
  // `activateFor` looks no further.
  it('calls that wait for a plugin also wait for its activation by name', async () => {
    const kernel = await startKernel(
      setting,
      [pluginOf('test.fragile', `ctx.commands.handle('ping', () => 'pong'); ${CRASH}`)],
      {
        supervision: { ...quick, backoff: 5_000, maxBackoff: 5_000 },
      },
    );
    await rejection(kernel.commands.execute('test.fragile:crash'));
    const call = kernel.commands.execute('test.fragile:ping').catch(codeOf);
    await kernel.plugins.activate('test.fragile');
    expect(await call).toBe('pong');
  });

  // kernel/src/messaging/messaging.ts:55: `own` doesn't exist yet when its wait ends, `offered`
  // does when its own wait ends.
  it('a message to a plugin that is activated meanwhile goes to its own handler', async () => {
    const fragile = pluginOf(
      'test.fragile',
      `ctx.messaging.on(() => 'own'); ${handling(`{ canHandle: () => 1, handle: () => 'any' }`)} ${CRASH}`,
      HANDLES,
    );
    const kernel = await startKernel(setting, [fragile], {
      supervision: { ...quick, backoff: 5_000, maxBackoff: 5_000 },
    });
    expect(await kernel.messaging.send('test.fragile', 1)).toBe('own');
    await rejection(kernel.commands.execute('test.fragile:crash'));
    const answer = kernel.messaging.send('test.fragile', 1).catch(codeOf);
    await kernel.plugins.activate('test.fragile');
    expect(await answer).toBe('own');
  });

  // kernel/src/commands/command-registry.ts `#wakeAndExecute`: its target has no `counter` until a
  // plugin answers.
  it('each call of a command is counted for it, also one that ends while its plugin is away', async () => {
    const kernel = await startKernel(
      setting,
      [pluginOf('test.fragile', `ctx.commands.handle('ping', () => 'pong'); ${CRASH}`)],
      {
        supervision: { ...quick, backoff: 5_000, maxBackoff: 5_000 },
      },
    );
    expect(await kernel.commands.execute('test.fragile:ping')).toBe('pong');
    await rejection(kernel.commands.execute('test.fragile:crash'));
    expect(
      (await rejection(kernel.commands.execute('test.fragile:ping', undefined, { timeout: 10 })))
        .code,
    ).toBe('call/timeout');
    expect(kernel.metrics.snapshot().commands['test.fragile:ping']).toMatchObject({
      calls: 2,
      failures: 1,
    });
  });
});

describe(`${runtime} worker: hooks, events and messages`, () => {
  const may = { permissions: { hooks: { handle: ['*'] }, events: { subscribe: ['*'] } } };
  const slow = pluginOf(
    'test.slow',
    `let go; ctx.commands.handle('go', () => go()); ctx.hooks.handle('test:pass', (value) => new Promise((done) => { go = () => done([...value, 'slow']); }));`,
    may,
  );

  // kernel/src/middleware/hooks.ts:60: the handlers are taken once, before the first is asked; that
  // of an ended guest fails.
  for (const how of ['hibernate', 'reload'] as const) {
    it(`a waterfall asks a plugin that does ${how} after it began`, async () => {
      const kernel = await startKernel(setting, [
        slow,
        pluginOf('test.next', `ctx.hooks.handle('test:pass', (value) => [...value, 'next']);`, may),
      ]);
      const passed = kernel.hooks.waterfall('test:pass', []);
      await expect.poll(async () => (await kernel.plugins.health('test.slow')).pending).toBe(1);
      await kernel.plugins[how]('test.next');
      await kernel.commands.execute('test.slow:go');
      expect(await passed).toEqual(['slow', 'next']);
    });
  }

  // kernel/src/lifecycle/lifecycle.ts:314 `#restart`: it is stopped and started, and has no
  // registrations meanwhile.
  it('events for a plugin that is reloaded while it hibernates are not lost', async () => {
    const kernel = await startKernel(setting, [
      pluginOf(
        'test.sleeper',
        `let heard = 0; ctx.events.on('test:tick', () => { heard += 1; }); ctx.commands.handle('heard', () => heard);`,
        may,
      ),
    ]);
    expect(await kernel.plugins.hibernate('test.sleeper')).toBe(true);
    const loaded = nextEvent(kernel, 'plugin:loaded');
    const reloading = kernel.plugins.reload('test.sleeper');
    await loaded;
    await kernel.events.emit('test:tick');
    await reloading;
    expect(await kernel.commands.execute('test.sleeper:heard')).toBe(1);
  });

  // kernel/src/messaging/messaging.ts:65: the cancel reaches one of the handlers that are asked,
  // and `execute` runs after it.
  it('a message that a plugin cancels while handlers return their confidence is not handled', async () => {
    const asked = pluginOf(
      'test.asked',
      `let say, handled = 0; ${handling(`{ canHandle: () => new Promise((done) => { say = done; }), handle: () => ++handled }`)} ctx.commands.handle('say', () => say(1)); ctx.commands.handle('handled', () => handled);`,
      HANDLES,
    );
    const other = pluginOf(
      'test.other',
      handling(`{ canHandle: () => 0.1, handle: () => 'other' }`),
      HANDLES,
    );
    const caller = pluginOf(
      'test.caller',
      `const stop = new AbortController(); ctx.commands.handle('stop', () => stop.abort());
       ctx.commands.handle('go', async () => { await null; return ctx.messaging.route('m', { signal: stop.signal }).catch((error) => error.code); });`,
      { permissions: { messaging: { send: ['*'] } } },
    );
    const kernel = await startKernel(setting, [asked, other, caller]);
    const sent = kernel.commands.execute('test.caller:go');
    // Soon: handlers have a second to return their confidence.
    await expect
      .poll(async () => (await kernel.plugins.health('test.asked')).pending, { interval: 5 })
      .toBe(1);
    await kernel.commands.execute('test.caller:stop');
    expect(await sent).toBe('call/cancelled');
    await kernel.commands.execute('test.asked:say');
    // What that answer starts has reached the handler when the next answer returns.
    for (let n = 0; n < 3; n++) await kernel.commands.execute('test.asked:handled');
    expect(await kernel.commands.execute('test.asked:handled')).toBe(0);
  });
});
