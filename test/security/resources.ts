/**
 * Guests that exhaust resources: the host stays responsive, the guest is ended within seconds, and
 * its neighbours answer.
 */
import { nextEvent } from '../support/kernels.ts';
import {
  type Attack,
  type AttackClass,
  attack,
  disturbed,
  type Isolation,
  LATE,
  startScene,
  watchTimers,
} from './attack.ts';

/** Milliseconds in which a guest that must be ended is gone. */
const GONE = 7_000;

interface Exhausting {
  /**
   * `limit` is in milliseconds and never ends for a guest; the control has a shorter one, in the
   * realm of the host.
   */
  readonly code: string;
  /** Whether it must be ended; otherwise it may continue as long as it disturbs nothing. */
  readonly ends?: boolean;
  readonly only?: Attack['only'];
  readonly also?: Attack['also'];
  readonly memory?: string;
  /** What the control runs inline; a loop of that length when absent. */
  readonly slow?: string;
}

function exhausting(
  name: string,
  { code, ends = false, only, also, memory, slow }: Exhausting,
): Attack {
  const run = async (isolation: Isolation, text: string, limit: number) => {
    const kernel = await startScene(
      isolation,
      `const limit = ${limit}, end = Date.now() + limit; ${text}`,
      {
        options: { supervision: { restart: false, heartbeat: 100, timeout: 2_000 } },
        manifest: {
          permissions: {
            events: { emit: ['*'] },
            storage: { read: true, write: true, quota: '5mb' },
          },
          ...(memory !== undefined && { resources: { memory } }),
        },
      },
    );
    const gone = nextEvent<{ code: string }>(kernel, 'plugin:crashed');
    const clock = await watchTimers();
    const attacking = attack(kernel, undefined, GONE);
    // While it runs, a neighbour is called repeatedly.
    let trouble: string | undefined;
    let over = false;
    const asking = (async () => {
      while (!over && trouble === undefined) {
        trouble = await disturbed(kernel);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    })();
    const ended = await Promise.race(
      [
        gone.then(({ code: why }) => why),
        ends && isolation !== 'inline' ? undefined : attacking.then(() => undefined),
        new Promise((resolve) => setTimeout(resolve, GONE, 'still there')),
      ].filter((one) => one !== undefined),
    );
    over = true;
    await asking;
    const late = await clock.late();
    clock.stop();
    if (late > LATE) return `the host's timer was late by ${Math.round(late)} ms`;
    if (ends && ended === 'still there') return `the guest is still there after ${GONE} ms`;
    return trouble ?? (await disturbed(kernel));
  };
  return {
    name,
    ...(only && { only }),
    ...(also && { also }),
    attempt: (isolation) => run(isolation, code, 1e9),
    control: () => run('inline', slow ?? 'while (Date.now() < end);', LATE + 600),
  };
}

const node = [
  'node',
  'a browser sets no limit to the memory of a worker: the process of all frames ends, and with it their page for the test',
] as const;

/** Attacks that take a second or less. */
export const resources: AttackClass = [
  'resources',
  [
    exhausting('a loop without end', {
      code: 'while (Date.now() < end);',
      ends: true,
      also: ['worker'],
    }),
    exhausting('microtasks without end', {
      code: 'while (Date.now() < end) await null;',
      ends: true,
      slow: 'while (Date.now() < end) await null;',
    }),
    exhausting('an expression that backtracks for ever', {
      code: `/^(a+)+$/.test('a'.repeat(40) + '!');`,
      ends: true,
    }),
    exhausting('timers without number', {
      code: 'for (let n = 0; n < 1e6; n++) setTimeout(() => {}, 1_000);',
    }),
    exhausting('a deeply nested answer', {
      code: 'let value = 1; for (let n = 0; n < 200_000; n++) value = [value]; return value;',
    }),
    exhausting('an answer of a million values', {
      code: 'return Array.from({ length: 1_000_000 }, (_, n) => ({ n }));',
    }),
    exhausting('a sparse array without end', { code: 'return new Array(4_294_967_295);' }),
  ],
];

/** Attacks that take seconds each. */
export const heavyResources: AttackClass = [
  'resources, heavy',
  [
    exhausting('promises without end, each with a listener', {
      code: 'const storm = () => { Promise.resolve().then(storm); Promise.resolve().then(() => {}); }; storm(); await new Promise(() => {});',
      ends: true,
    }),
    exhausting('a search that cannot be stopped', {
      code: 'Array.prototype.lastIndexOf.call({ length: 2 ** 53 - 1 }, 1);',
      ends: true,
    }),
    exhausting('a number without end', { code: 'let n = 3n; for (;;) n *= n;', ends: true }),
    exhausting('small objects until the heap is full', {
      code: 'const list = []; for (;;) list.push({ a: list.length });',
      ends: true,
      only: node,
      memory: '64mb',
    }),
    exhausting('a string that doubles', {
      code: "let text = 'x'.repeat(1_000_000); const list = []; for (;;) { list.push(text); text = text + text + list.length; text.indexOf('y'); }",
      only: node,
      memory: '64mb',
    }),
    exhausting('a map that grows', {
      code: 'const map = new Map(); for (let n = 0; ; n++) map.set(n, n);',
      ends: true,
      only: node,
      memory: '64mb',
    }),
    exhausting('an array of four thousand million', {
      code: 'new Array(2 ** 32 - 2).fill(0);',
      ends: true,
      only: node,
      memory: '64mb',
    }),
    exhausting('typed arrays outside of the heap', {
      code: 'const list = []; for (;;) { list.push(new Uint8Array(16_000_000).fill(1)); await new Promise((done) => setTimeout(done, 5)); }',
      ends: true,
      only: node,
      memory: '64mb',
    }),
    exhausting('buffers in streams and clones', {
      code: 'const list = []; for (;;) { list.push(structuredClone(new Uint8Array(16_000_000).fill(1))); await new Promise((done) => setTimeout(done, 5)); }',
      ends: true,
      only: node,
      memory: '64mb',
    }),
    exhausting('events without number', {
      code: 'for (let n = 0; n < 200_000; n++) { ctx.events.emit("x", n).catch(() => {}); if (n % 2_000 === 0) await new Promise((done) => setTimeout(done, 0)); }',
    }),
    exhausting('lines of the log without number', {
      code: 'for (let n = 0; n < 500_000; n++) { ctx.logger.info("line " + n, { text: "x".repeat(500) }); console.log(n); if (n % 5_000 === 0) await new Promise((done) => setTimeout(done, 0)); }',
    }),
    exhausting('large events', {
      code: "for (let n = 0; n < 40; n++) { ctx.events.emit('x', 'x'.repeat(5_000_000)).catch(() => {}); await new Promise((done) => setTimeout(done, 10)); }",
    }),
    exhausting('large answers, one after another', {
      code: "return new Map(Array.from({ length: 40 }, (_, n) => [n, 'x'.repeat(1_000_000)]));",
    }),
    exhausting('refused calls without number', {
      code: "for (let n = 0; n < 100_000; n++) { ctx.commands.execute('test.none:x' + n).catch(() => {}); if (n % 1_000 === 0) await new Promise((done) => setTimeout(done, 0)); }",
    }),
    exhausting('writes without number', {
      code: "for (let n = 0; n < 20_000; n++) { ctx.storage.set('k' + (n % 100), 'x'.repeat(1_000)).catch(() => {}); if (n % 500 === 0) await new Promise((done) => setTimeout(done, 0)); }",
    }),
    exhausting('errors with causes and details without end', {
      code: "let error = new Error('x'); for (let n = 0; n < 10_000; n++) error = Object.assign(new AggregateError([error, error], 'x'.repeat(1_000), { cause: error }), { details: { list: Array(1_000).fill('x'.repeat(100)) } }); throw error;",
    }),
    exhausting('a loop while it is activated again', {
      code: 'setTimeout(() => { for (;;); }, 0); await new Promise(() => {});',
      ends: true,
    }),
  ],
];
