/** Values and credit of a link; the interaction of two sides is in `schedules.test.ts`. */
import { endpointPair, Link, type LinkOptions, type Reply } from '@plinth/sdk/rpc';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

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

/** The outcomes of a request, with every repeated one. */
function answerOf(
  from: Link,
  target: number,
  input: unknown,
): {
  readonly settled: Promise<readonly [boolean, unknown]>;
  readonly times: () => number;
  readonly sequence: number;
} {
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

// Keys and values near the limits of packing: few keys, so that shapes recur and get their numbers.
const key = fc.constantFrom('a', 'b', 'c', 'constructor', 'toString', '0', '1', '', 'ключ');
const leaf = fc.oneof(
  fc.string(),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
  fc.constant(undefined),
  fc.constant(-0),
  fc.bigInt(),
);
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
            if (one !== null && typeof one === 'object')
              expect(Object.keys(back as object)).toEqual(Object.keys(one));
          }
        }
      }),
      { numRuns: 60, seed: 20_261_121 },
    );
  });
});

describe('Link credit', () => {
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
