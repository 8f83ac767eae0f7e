/**
 * The soak, short and seeded; and tests of it: it must detect each deliberately broken host,
 * kernel, plugin and audit, and report nothing for sound ones. `VITE_PLINTH_SEED=… npm test` sets
 * the seed.
 */

import type { Guest, Host, Kernel } from '@plinth/kernel';
import { describe, expect, it } from 'vitest';
import { createHost, runtime } from '#host';
import { type Fault, type Setting, seedFor, soak } from './soak.ts';

const seed = seedFor(20_261_121);
const CALM: readonly Fault[] = ['reload', 'hibernate', 'configure', 'skew', 'suspend'];
const ALL: readonly Fault[] = [
  'crash',
  'reload',
  'kill',
  'hibernate',
  'configure',
  'spin',
  'skew',
  'suspend',
];
const where: readonly (readonly [string, Pick<Setting, 'isolation' | 'createHost'>])[] = [
  ['inline', { isolation: 'inline' }],
  [`${runtime} worker`, { isolation: 'worker', createHost }],
];

describe('soak', { timeout: 20_000 }, () => {
  for (const [name, setting] of where) {
    it(`${name}: nothing is lost, nothing leaks, and all counts agree`, async () => {
      const outcome = await soak({ ...setting, seed, ops: 600, every: 280, faults: ALL });
      console.log(`soak, ${name}: ${JSON.stringify(outcome)}`);
      expect(outcome.ops).toBeGreaterThanOrEqual(2_000);
    });

    it(`${name}: without deaths no event is lost either`, async () => {
      const outcome = await soak({
        ...setting,
        seed: seed + 1,
        ops: 400,
        every: 120,
        faults: CALM,
      });
      console.log(`soak, ${name}: ${JSON.stringify(outcome)}`);
      expect(outcome.failures).toBeGreaterThan(0);
    });
  }
});

type Execute = Kernel['commands']['execute'];
/** A kernel that runs commands for the host in another way; `n` counts them. */
const executing =
  (change: (run: () => Promise<unknown>, n: number, id: string) => Promise<unknown>) =>
  (kernel: Kernel): Kernel => {
    let n = 0;
    const execute: Execute = (id, input, options) =>
      change(() => kernel.commands.execute(id, input, options), ++n, id);
    return { ...kernel, commands: { ...kernel.commands, execute } };
  };
const guests =
  (change: (guest: Guest, id: string) => Guest) =>
  (host: Host): Host => ({
    isolations: host.isolations,
    launch: async (request) => change(await host.launch(request), request.plugin.id),
  });
const plugin = (from: string, to: string, only?: string) => (text: string, name: string) =>
  only === undefined || only === name ? text.replace(from, to) : text;

/** Loses some messages of a guest, among them awaited answers. */
function losing(guest: Guest, from: number): Guest {
  const { endpoint } = guest;
  const heard = new Map<unknown, (event: { readonly data: unknown }) => void>();
  let n = 0;
  const lossy: Guest['endpoint'] = {
    postMessage: (message, transfer) => endpoint.postMessage(message, transfer),
    addEventListener(type, listener) {
      const picky = (event: { readonly data: unknown }) => {
        n += 1;
        if (n < from || n >= from + 12)
          (listener as (event: { readonly data: unknown }) => void)(event);
      };
      heard.set(listener, picky);
      endpoint.addEventListener(type, picky as typeof listener);
    },
    removeEventListener: (type, listener) =>
      endpoint.removeEventListener(type, (heard.get(listener) ?? listener) as typeof listener),
    start: () => endpoint.start?.(),
  };
  return { endpoint: lossy, exited: guest.exited, terminate: () => guest.terminate() };
}

const mutants: readonly (readonly [string, Partial<Setting>, RegExp])[] = [
  [
    'replies of a guest are lost on the wire',
    {
      isolation: 'worker',
      createHost,
      faults: [],
      changeHost: guests((guest, id) => (id === 'soak.z' ? losing(guest, 25) : guest)),
    },
    /soak\.z:\w+ .*failed with call\/timeout/,
  ],
  [
    'an answer never reaches the host',
    {
      changeKernel: executing((run, n) =>
        n === 90 ? run().then(() => new Promise(() => {})) : run(),
      ),
    },
    /lost: /,
  ],
  [
    'a call is made twice',
    {
      changeKernel: executing((run, n, id) =>
        n % 40 === 0 && id.endsWith(':echo')
          ? Promise.all([run(), run()]).then(([answer]) => answer)
          : run(),
      ),
    },
    /sent, \d+ announced/,
  ],
  [
    'a failure is taken for an answer',
    {
      changeKernel: executing((run, _, id) =>
        run().catch((error) => (id.endsWith(':slow') ? undefined : Promise.reject(error))),
      ),
    },
    /answered, \d+ announced/,
  ],
  [
    'a call is overtaken',
    {
      changeKernel: executing((run, n, id) =>
        n % 7 === 0 && id.endsWith(':seq')
          ? new Promise((turn) => setTimeout(turn, 1)).then(run)
          : run(),
      ),
    },
    /came after/,
  ],
  [
    'a guest outlives its end',
    {
      changeHost: guests((guest) => ({
        ...guest,
        endpoint: guest.endpoint,
        exited: guest.exited,
        terminate: async () => {},
      })),
    },
    /guests outlive/,
  ],
  [
    'a plugin misses an event',
    { changePlugin: plugin('state.heard += 1;', 'if (i !== 7) state.heard += 1;', 'z') },
    /ticks were emitted, soak\.z has heard/,
  ],
  [
    'a plugin updates its storage in two steps',
    {
      changePlugin: plugin(
        `ctx.storage.update('count', (n) => (n ?? 0) + 1)`,
        `ctx.storage.get('count').then(async (n) => { await pause(1); await ctx.storage.set('count', (n ?? 0) + 1); return (n ?? 0) + 1; })`,
        'n',
      ),
    },
    /given a number twice/,
  ],
  [
    'a plugin forgets when it is swapped',
    { changePlugin: plugin('this.state = state;', '', 'n'), faults: ['reload'] },
    /soak\.n has heard/,
  ],
  [
    'a relay does not carry on what it is called for',
    { changePlugin: plugin(': { path: rest, nonce }, call)', ': { path: rest, nonce })') },
    /lost what the call carries/,
  ],
  [
    'a stream stops short',
    { changePlugin: plugin('n < length; n++', 'n < length - 1; n++') },
    /ended early/,
  ],
  [
    'an answer belongs to another call',
    {
      changePlugin: plugin(
        `('echo', (input) => input)`,
        `('echo', (input) => ({ ...input, nonce: Math.max(2, input.nonce) }))`,
      ),
    },
    /another (call|handler)/,
  ],
  [
    'the end of a call is announced twice',
    { changeSettled: (call, n) => (n === 100 ? [call, call] : [call]) },
    /settled twice/,
  ],
  [
    'the end of a call is not announced',
    { changeSettled: (call, n) => (n === 100 ? [] : [call]) },
    /were announced/,
  ],
  [
    'metrics miss a call',
    { changeMetrics: (metrics) => ({ ...metrics, calls: metrics.calls - 1 }) },
    /metrics count/,
  ],
  [
    'metrics miss a delivery',
    { changeMetrics: (metrics) => ({ ...metrics, deliveries: metrics.deliveries - 1 }) },
    /deliveries/,
  ],
  [
    'a setting is not handed on',
    {
      changePlugin: plugin('config = next;', 'config = { level: 0 };', 'n'),
      faults: ['configure'],
    },
    /was configured with/,
  ],
];

/** Runs for each mutant. */
const RUNS = 6;

describe('the soak', () => {
  const run = (mutant: Partial<Setting>) =>
    soak({
      isolation: 'inline',
      seed,
      ops: 150,
      every: 100,
      faults: CALM,
      plenty: 700,
      tolerance: 200,
      patience: 400,
      ...mutant,
    });

  it('finds nothing: wrappings that change nothing', async () => {
    const sound: Partial<Setting> = {
      changeHost: guests((guest) => guest),
      changeKernel: executing((go) => go()),
      changePlugin: (text) => text,
      changeSettled: (call) => [call],
      changeMetrics: (metrics) => metrics,
      // Only a fault may be found, not that the machine is busy.
      plenty: 4_000,
      tolerance: 3_000,
      patience: 6_000,
    };
    await run(sound);
    await run({
      ...sound,
      isolation: 'worker',
      createHost,
      changeHost: guests((guest) => losing(guest, Number.POSITIVE_INFINITY)),
    });
  });

  for (const [what, mutant, violation] of mutants) {
    it(`finds: ${what}`, async () => {
      // The fault may have hit only calls that were no longer awaited; that doesn't happen
      // repeatedly.
      for (let more = 0; more < RUNS; more++) {
        const found = await run({ ...mutant, seed: seed + more }).then(
          () => '',
          (error: Error) => error.message,
        );
        if (violation.test(found)) return;
        if (found !== '') console.log(`soak, ${what}: found otherwise: ${found}`);
      }
      expect.fail(`${what}: survived ${RUNS} runs`);
    });
  }
});
