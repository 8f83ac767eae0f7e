/** The link against a model: random schedules of calls, notes, cancels, throws and the end; short and seeded here. */
import { Link, type LinkOptions, endpointPair, type Reply } from '@plinth/sdk/rpc';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const runs = { numRuns: 150, seed: 20_261_121 };

function link(endpoint: LinkOptions['endpoint'], options: Partial<LinkOptions>): Link {
  return new Link({
    endpoint,
    stacks: false,
    serve: () => undefined,
    note() {},
    control: {},
    onBreach: (error) => expect.unreachable(error.message),
    defer: (task) => void setTimeout(task, 0),
    ...options,
  });
}

/** What becomes of a request, as often as it happens. */
function answerOf(from: Link, target: number, input: unknown): { readonly settled: Promise<readonly [boolean, unknown]>; readonly times: () => number; readonly sequence: number } {
  let times = 0;
  let reply!: Reply;
  const settled = new Promise<readonly [boolean, unknown]>((resolve) => {
    reply = {
      sequence: 0,
      settle(ok, value) {
        times += 1;
        resolve([ok, value]);
      },
    };
  });
  from.request(target, input, undefined, reply);
  return { settled, times: () => times, sequence: reply.sequence };
}

// Keys and values around the edges of what is packed: few keys, so that shapes recur and get their numbers.
const key = fc.constantFrom('a', 'b', 'c', 'constructor', 'toString', '0', '1', '', 'ключ');
const leaf = fc.oneof(fc.string(), fc.integer(), fc.double(), fc.boolean(), fc.constant(null), fc.constant(undefined), fc.constant(-0), fc.bigInt());
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(key, tie('value'), { maxKeys: 4 }),
    fc.date({ noInvalidDate: true }),
  ),
}));

describe('Link values', () => {
  it('arrive equal, packed or not, many of the same shape on one link', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 12 }), async (values) => {
        const [left, right] = endpointPair();
        const caller = link(left, {});
        link(right, { serve: (_target, input) => input });
        for (let round = 0; round < 6; round++) {
          for (const one of values) {
            const [ok, back] = await answerOf(caller, 1, one).settled;
            expect(ok).toBe(true);
            expect(back).toEqual(one);
            expect(Object.is(back, -0)).toBe(Object.is(one, -0));
            if (one !== null && typeof one === 'object') expect(Object.keys(back as object)).toEqual(Object.keys(one));
          }
        }
      }),
      { ...runs, numRuns: 60 },
    );
  });
});

type Step = { readonly kind: 'call' | 'note' | 'throw' | 'later' | 'cancel' | 'bad'; readonly pause: boolean };
const step: fc.Arbitrary<Step> = fc.record({ kind: fc.constantFrom('call', 'call', 'note', 'throw', 'later', 'cancel', 'bad'), pause: fc.boolean() });

describe('Link schedules', () => {
  it('keep the order of requests and notes, and settle each request exactly once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 120 }), fc.boolean(), async (steps, dies) => {
        const [left, right] = endpointPair();
        const arrived: number[] = [];
        const caller = link(left, { plugin: 'test.peer' });
        const held: (() => void)[] = [];
        const callee = link(right, {
          note: (_target, payload) => void arrived.push((payload as { n: number }).n),
          serve(_target, input) {
            const { n, kind } = input as { n: number; kind: Step['kind'] };
            arrived.push(n);
            if (kind === 'throw') throw new TypeError(`no ${n}`);
            if (kind === 'later' || kind === 'cancel') return new Promise((resolve) => held.push(() => resolve({ n })));
            return { n };
          },
        });
        const sent: number[] = [];
        const answers: { readonly n: number; readonly kind: Step['kind']; readonly answer: ReturnType<typeof answerOf> }[] = [];
        for (const [n, { kind, pause }] of steps.entries()) {
          if (kind === 'bad')
            expect(() => caller.request(1, { n, f: () => n }, undefined, { sequence: 0, settle: () => expect.unreachable() })).toThrow('functions are not values');
          else if (kind === 'note') {
            caller.note(1, { n }, undefined);
            sent.push(n);
          } else {
            const answer = answerOf(caller, 1, { n, kind });
            sent.push(n);
            answers.push({ n, kind, answer });
            if (kind === 'cancel') caller.cancel(answer.sequence);
          }
          if (pause) await Promise.resolve();
        }
        if (dies) {
          await new Promise((resolve) => setTimeout(resolve, 0));
          caller.close(new Error('gone'));
        } else {
          // Everything held is released once everything has arrived.
          await expect.poll(() => arrived.length, { interval: 1 }).toBe(sent.length);
          for (const release of held) release();
        }
        for (const { n, kind, answer } of answers) {
          if (kind === 'cancel') continue;
          const [ok, result] = await answer.settled;
          if (kind === 'throw' && !ok) expect((result as Error).message).toMatch(/^(no \d+|gone)$/);
          else if (ok) expect(result).toEqual({ n });
          else expect((result as Error).message).toBe('gone');
        }
        for (const { kind, answer } of answers) expect(answer.times()).toBe(kind === 'cancel' ? 0 : 1);
        expect(arrived).toEqual(sent.slice(0, arrived.length));
        if (!dies) expect(arrived).toEqual(sent);
        expect(caller.pending).toBe(0);
        callee.close(new Error('over'));
      }),
      runs,
    );
  });

  it('take more requests than the window, in order, and refuse those beyond the queue at once', async () => {
    const [left, right] = endpointPair();
    const arrived: number[] = [];
    const caller = link(left, {});
    link(right, { serve: (_target, n) => void arrived.push(n as number) });
    const answers: Promise<readonly [boolean, unknown]>[] = [];
    let refused = 0;
    for (let n = 0; n < 10_000; n++) {
      try {
        answers.push(answerOf(caller, 1, n).settled);
      } catch (error) {
        expect((error as { code?: string }).code).toBe('call/overloaded');
        refused += 1;
      }
    }
    expect(refused).toBe(10_000 - 1_024 - 8_192);
    expect((await Promise.all(answers)).every(([ok]) => ok)).toBe(true);
    expect(arrived).toEqual(Array.from({ length: 1_024 + 8_192 }, (_, n) => n));
  });
});
