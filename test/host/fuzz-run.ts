/** Runs forged messages against a real kernel, and checks that everything else works. */

import type { Kernel } from '@plinth/kernel';
import { headOf, Kind } from '@plinth/sdk/rpc';
import { expect } from 'vitest';
import { createBreachedHost, rawPost, runtime } from '#host';
import { type Setting, startKernel } from '../support/kernels.ts';
import { pluginOf } from '../support/plugins.ts';
import { FAULTS, Forge, type Forgery, KINDS, type Live } from './fuzz-frames.ts';

const setting: Setting = { isolation: 'worker', createHost: createBreachedHost };

/** Calls of the host that the guest never answers: their sequences are the first of its link. */
const HANGING = 8;

/**
 * Posts any given message on its raw port. It has every permission, so that forged requests get as
 * far as possible.
 */
const forger = pluginOf(
  'test.forger',
  `${
    runtime === 'node'
      ? `const threads = Object.rawThreads;
         const post = (message, moved) => threads.parentPort.postMessage(message, moved);
         const port = () => new threads.MessageChannel().port1;`
      : `const post = ${rawPost};
         const port = () => new ReadableStream();`
  }
   // Puts something in the place of the nth node of a value.
   const put = (value, n, what) => {
     const places = [];
     const walk = (node) => {
       if (!Array.isArray(node) && Object.prototype.toString.call(node) !== '[object Object]') return;
       for (const key of Object.keys(node)) { places.push([node, key]); walk(node[key]); }
     };
     walk(value);
     if (places.length === 0) return { inside: [what] };
     const [node, key] = places[n % places.length];
     node[key] = what;
     return value;
   };
   ctx.commands.handle('post', (text) => {
     const moved = [];
     const move = (one) => (moved.push(one), one);
     try {
       post(new Function('move', 'port', 'put', 'return (' + text + ')')(move, port, put), moved);
       return 'posted';
     } catch (error) {
       return 'cannot be posted: ' + error.message;
     }
   });
   ctx.commands.handle('ping', () => 'pong');
   ctx.commands.handle('hang', () => new Promise(() => {}));
   ctx.commands.handle('feed', () => ({ items: (async function* () { await new Promise(() => {}); })() }));
   // A stream of the kernel that is open and isn't read.
   globalThis.kept = await ctx.commands.execute('test.neighbour:feed');
   await ctx.middleware.use('command:test.neighbour:wall', () => new Promise(() => {}));`,
  {
    dependencies: { 'test.neighbour': '^1.0.0' },
    permissions: {
      commands: { execute: ['test.neighbour:*'] },
      events: { emit: ['*'], subscribe: ['*'] },
      hooks: { call: ['*'], handle: ['*'] },
      middleware: { use: ['command:test.neighbour:wall'] },
      storage: { read: true, write: true },
    },
  },
);

/** Answers honest calls, and records the effects of forged frames. */
const neighbour = pluginOf(
  'test.neighbour',
  `const seen = {};
   const see = (what) => void (seen[what] = (seen[what] ?? 0) + 1);
   ctx.commands.handle('ping', () => 'pong');
   ctx.commands.handle('seen', () => seen);
   ctx.commands.handle('echo', (value) => (see('request'), value));
   ctx.commands.handle('wall', () => 'behind');
   ctx.commands.handle('hang', (_, call) => new Promise((resolve) => call.signal.addEventListener('abort', () => resolve(see(String(call.signal.reason?.code) === 'call/cancelled' ? 'cancel' : 'timeout')))));
   ctx.commands.handle('feed', async function* () {
     try {
       for (let n = 0; ; n++) {
         see('pull');
         yield n;
       }
     } finally {
       see('stop');
     }
   });`,
);

/**
 * Own keys of built-ins that the whole realm shares: injected code or a polluted prototype would
 * show here.
 */
const realm = (): readonly string[] =>
  [
    globalThis,
    Object.prototype,
    Array.prototype,
    Function.prototype,
    Promise.prototype,
    Map.prototype,
    Error.prototype,
    String.prototype,
  ].map((one) =>
    Reflect.ownKeys(one)
      .map(
        (key) =>
          `${String(key)}${one === globalThis ? '' : `:${typeof Reflect.getOwnPropertyDescriptor(one, key)?.value}`}`,
      )
      .sort()
      .join(' '),
  );

/** Uncaught errors in the host from now on. */
function uncaught(): { readonly errors: readonly unknown[]; stop(): void } {
  const errors: unknown[] = [];
  if (runtime === 'node') {
    const listener = (error: unknown) => void errors.push(error);
    process.on('uncaughtExceptionMonitor', listener);
    process.on('unhandledRejection', listener);
    return {
      errors,
      stop() {
        process.off('uncaughtExceptionMonitor', listener);
        process.off('unhandledRejection', listener);
      },
    };
  }
  const listener = (event: Event) =>
    void errors.push(
      (event as ErrorEvent).error ?? (event as PromiseRejectionEvent).reason ?? event,
    );
  globalThis.addEventListener('error', listener);
  globalThis.addEventListener('unhandledrejection', listener);
  return {
    errors,
    stop() {
      globalThis.removeEventListener('error', listener);
      globalThis.removeEventListener('unhandledrejection', listener);
    },
  };
}

/** The result of a run. */
export interface Report {
  readonly forge: Forge;
  readonly unpostable: number;
  readonly restarts: number;
  /** Effects of forged frames, by kind. */
  readonly effects: ReadonlyMap<string, number>;
  readonly milliseconds: number;
}

/** One life of the forger, and what is in use on its link. */
class Life implements Live {
  readonly #kernel: Kernel;
  readonly #see: (what: string) => void;
  readonly pending = HANGING;
  sent = HANGING;
  fed = 0;
  readonly read = 1;
  /** The link has a name for the command that it executes itself. */
  names = 1;
  shapes = 0;
  requests = 0;
  over = false;

  constructor(kernel: Kernel, see: (what: string) => void) {
    this.#kernel = kernel;
    this.#see = see;
    for (let n = 0; n < HANGING; n++) {
      this.#kernel.commands
        .execute('test.forger:hang', n, { onProgress: () => see('progress') })
        .then(
          () => see('reply'),
          (error) =>
            see(
              (error as { code?: string }).code === 'test.forger/no' ? 'error' : 'end of the guest',
            ),
        );
    }
    // Its step is the first that the forger received.
    this.#kernel.commands
      .execute('test.neighbour:wall', undefined, { timeout: 60_000 })
      .catch(() => {});
    this.sent += 1;
    void this.#readAll();
  }

  /** Makes the forger post something. Returns what happened to it and to the guest. */
  async post({ text }: Pick<Forgery, 'text'>): Promise<'posted' | 'unpostable' | 'over'> {
    this.sent += 1;
    try {
      const answer = await this.#kernel.commands.execute('test.forger:post', text, {
        timeout: 5_000,
      });
      // A forged reply may arrive first: whatever it says, something was posted.
      return typeof answer === 'string' && answer.startsWith('cannot be posted')
        ? 'unpostable'
        : 'posted';
    } catch {
      // A forged error, or the end of the guest: the next call shows which.
      const alive = await this.#kernel.commands
        .execute('test.forger:ping', undefined, { timeout: 5_000 })
        .catch(() => undefined);
      this.sent += 1;
      return alive === undefined ? 'over' : 'posted';
    }
  }

  /** Reads everything forged into the guest's streams; opens another stream when one has ended. */
  async #readAll(): Promise<void> {
    for (let rounds = 0; rounds < 100; rounds++) {
      try {
        this.sent += 1;
        this.fed += 1;
        const { items } = (await this.#kernel.commands.execute('test.forger:feed')) as {
          items: AsyncIterable<unknown>;
        };
        for await (const item of items)
          this.#see(item === undefined ? 'item of undefined' : 'item');
        this.#see('end');
      } catch {
        if (this.over) return;
      }
    }
  }
}

/**
 * Posts a number of messages. Whatever a guest forges, its neighbour and the host are not affected.
 */
export async function fuzz(messages: number, seed: number): Promise<Report> {
  const started = performance.now();
  const kernel = await startKernel(setting, [forger, neighbour], {
    limits: { refusals: 1_000_000_000 },
    supervision: false,
  });
  const effects = new Map<string, number>();
  const see = (what: string) => void effects.set(what, (effects.get(what) ?? 0) + 1);
  kernel.events.on('test.forger:said', () => see('event'));
  kernel.events.on('wire:refused', () => see('refusal'));
  let neighbourEnds = 0;
  kernel.events.on('plugin:crashed', ({ payload }) => {
    if ((payload as { id: string }).id !== 'test.forger') neighbourEnds += 1;
  });
  expect(kernel.plugins.explain('test.forger').error).toBeUndefined();
  const before = realm();
  const trap = uncaught();
  const forge = new Forge(seed);
  let [unpostable, restarts] = [0, 0];
  let last: Forgery | undefined;
  const recent: Forgery[] = [];
  const honest = async () => {
    expect(
      await kernel.commands.execute('test.neighbour:ping', undefined, { timeout: 5_000 }),
    ).toBe('pong');
    expect(realm()).toEqual(before);
    expect(trap.errors).toEqual([]);
    expect(neighbourEnds).toBe(0);
  };
  try {
    let life = new Life(kernel, see);
    await expectAlive(kernel, life);
    for (let age = 0; forge.posted < messages; age++) {
      last = forge.next(life);
      recent.push(last);
      if (recent.length > 5) recent.shift();
      const outcome = await life.post(last);
      if (outcome === 'unpostable') {
        unpostable += 1;
        forge.again(last);
      } else forge.count(last);
      if (outcome === 'over' || age === 150) {
        // Old guests are replaced too, because in them most forged frames arrive too late.
        if (outcome === 'over') {
          await expect
            .poll(() => kernel.plugins.get('test.forger')?.state, { interval: 1 })
            .toBe('failed');
          await kernel.plugins.activate('test.forger');
        } else await kernel.plugins.reload('test.forger');
        restarts += 1;
        age = 0;
        life.over = true;
        life = new Life(kernel, see);
      }
      // Checked at once, so that the responsible message is among the last.
      expect(trap.errors).toEqual([]);
      if (forge.total % 100 === 0) await honest();
    }
    await honest();
    for (const [what, times] of Object.entries(
      (await kernel.commands.execute('test.neighbour:seen')) as Record<string, number>,
    ))
      effects.set(what, times);
    effects.set(
      'note',
      kernel.logger.recent('test.forger').filter(({ message }) => message === 'said').length,
    );
  } catch (error) {
    throw new Error(
      `seed ${seed}, message ${forge.total}, the last ones: ${JSON.stringify(recent, undefined, 1)}`,
      { cause: error },
    );
  } finally {
    trap.stop();
  }
  return { forge, unpostable, restarts, effects, milliseconds: performance.now() - started };
}

/**
 * Forged frames act for the guest: they cancel its calls and stop its streams. The end of a guest
 * would do the same, so this checks before that.
 */
async function expectAlive(kernel: Kernel, life: Life): Promise<void> {
  const seen = async () =>
    (await kernel.commands.execute('test.neighbour:seen')) as Record<string, number>;
  expect(await seen()).not.toHaveProperty('stop');
  await life.post({
    text: `[${headOf(40_000, Kind.request)}, 1, [0, 0, 'test.neighbour:hang'], 1]`,
  });
  await life.post({ text: `[${headOf(1, Kind.pull)}, 4]` });
  await expect.poll(async () => (await seen()).pull, { interval: 5 }).toBeGreaterThan(0);
  await life.post({ text: `[${headOf(40_000, Kind.cancel)}, ${headOf(1, Kind.stop)}]` });
  await expect.poll(seen, { interval: 5 }).toMatchObject({ cancel: 1, stop: 1 });
}

/** What every run must have reached. */
export function expectReached({ forge, restarts, effects }: Report, messages: number): void {
  expect(forge.posted).toBe(messages);
  expect(forge.mutated / forge.posted).toBeGreaterThan(0.7);
  const missing = KINDS.flatMap((kind) => FAULTS.map((fault) => `${kind} × ${fault}`)).filter(
    (what) => !forge.reached.has(what),
  );
  expect(missing).toEqual([]);
  expect(restarts).toBeGreaterThan(0);
  // The links were working: forged frames that happened to be valid had their normal effects.
  expect(LIVELY.filter((what) => !effects.has(what) || effects.get(what) === 0)).toEqual([]);
}

const LIVELY = [
  'request',
  'reply',
  'error',
  'note',
  'progress',
  'item',
  'end',
  'pull',
  'event',
  'refusal',
];
