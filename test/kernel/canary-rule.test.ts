/** The rule of canaries, and the share of calls that they answer: numbers alone. */
import { describe, expect, it } from 'vitest';
import { canaryingOf } from '../../kernel/dist/extensions/installer/canary/options.js';
import { decide } from '../../kernel/dist/extensions/installer/canary/rule.js';
import { shareOf } from '../../kernel/dist/extensions/installer/canary/share.js';
import { Tally } from '../../kernel/dist/extensions/installer/canary/tally.js';

const RULE = { calls: 100, errors: 0.01, latency: 1.5, window: 60_000 };
const of = (calls: number, faults = 0, p95 = 10) => ({ calls, faults, p95 });
const what = (...args: [ReturnType<typeof of>, ReturnType<typeof of>, number?]) =>
  decide(args[0], args[1], RULE, args[2] ?? 0).what;

describe('decide', () => {
  it('waits for enough calls of both, and gives up at the end of the window', () => {
    expect(what(of(0), of(0))).toBe('go on');
    expect(what(of(10_000), of(99))).toBe('go on');
    expect(what(of(99), of(10_000))).toBe('go on');
    expect(what(of(10_000), of(99), 60_000)).toBe('roll back');
    expect(what(of(100), of(100), 60_000)).toBe('promote');
  });

  it('rolls back for more failures than allowed, and promotes for as many', () => {
    expect(what(of(1_000, 10), of(1_000, 20))).toBe('promote');
    expect(what(of(1_000, 10), of(1_000, 21))).toBe('roll back');
    expect(what(of(1_000, 500), of(1_000, 100))).toBe('promote');
  });

  it('rolls back early only when chance does not explain the difference', () => {
    expect(what(of(1_000), of(1, 1))).toBe('go on');
    expect(what(of(1_000), of(2, 2))).toBe('go on');
    expect(what(of(1_000), of(20, 4))).toBe('roll back');
    expect(what(of(20, 4), of(20, 8))).toBe('go on');
    expect(what(of(0), of(20, 20))).toBe('go on');
    expect(what(of(50), of(30, 30))).toBe('roll back');
  });

  it('compares the 95th percentile, but no differences below 5 ms', () => {
    expect(what(of(100, 0, 100), of(100, 0, 150))).toBe('promote');
    expect(what(of(100, 0, 100), of(100, 0, 151))).toBe('roll back');
    expect(what(of(100, 0, 0.2), of(100, 0, 4))).toBe('promote');
    expect(what(of(100, 0, 1), of(100, 0, 7))).toBe('roll back');
  });

  it('rolls back a sound version in few of many trials, though looked at with each call', () => {
    let state = 7;
    const random = () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 32;
    };
    let early = 0;
    for (let trial = 0; trial < 300; trial++) {
      const [before, canary] = [new Tally(), new Tally()];
      for (let call = 0; call < 99; call++) {
        before.add(random() < 0.05, 1);
        canary.add(random() < 0.05, 1);
        if (decide(before.counted, canary.counted, RULE, 0).what === 'roll back') {
          early += 1;
          break;
        }
      }
    }
    expect(early).toBeLessThanOrEqual(2);
  });
});

describe('Tally', () => {
  it('counts all calls, and remembers the times of the last thousand', () => {
    const tally = new Tally();
    expect(tally.counted).toEqual({ calls: 0, faults: 0, p95: 0 });
    for (let n = 1; n <= 100; n++) tally.add(n % 10 === 0, n);
    expect(tally.counted).toEqual({ calls: 100, faults: 10, p95: 95 });
    for (let n = 0; n < 1_000; n++) tally.add(false, 3);
    expect(tally.counted).toEqual({ calls: 1_100, faults: 10, p95: 3 });
  });
});

describe('shareOf', () => {
  const count = (takes: ReturnType<typeof shareOf>, callers: number, user = true) =>
    Array.from({ length: callers }, (_, n) => n).filter((n) =>
      takes({ user: user ? `user-${n}` : undefined, caller: `test.caller${n}` }),
    ).length;

  it.each(['call', 'user', 'caller'] as const)('takes about its share by %s', (by) => {
    for (const share of [0.01, 0.1, 0.5, 1]) {
      const taken = count(shareOf({ share, by, seed: 1 }), 10_000);
      expect(Math.abs(taken - share * 10_000)).toBeLessThan(200);
    }
  });

  it('takes the same users again, others by another seed, and none without a user', () => {
    const [one, two, other] = [1, 1, 2].map((seed) => shareOf({ share: 0.3, by: 'user', seed }));
    const chosen = (takes: typeof one) =>
      Array.from({ length: 200 }, (_, n) => takes?.({ user: `u${n}`, caller: 'x' }));
    expect(chosen(one)).toEqual(chosen(one));
    expect(chosen(one)).toEqual(chosen(two));
    expect(chosen(one)).not.toEqual(chosen(other));
    expect(count(shareOf({ share: 1, by: 'user', seed: 1 }), 100, false)).toBe(0);
  });
});

describe('canaryingOf', () => {
  it('decides every value', () => {
    expect(canaryingOf({ share: 0.1 })).toEqual({
      share: 0.1,
      by: 'call',
      seed: 1,
      repeat: 'idempotent',
      compare: { calls: 100, errors: 0.01, latency: 1.5, window: 600_000 },
    });
    expect(canaryingOf({ share: 1, compare: false }).compare).toBeUndefined();
    expect(canaryingOf({ share: 1, by: 'user', compare: { calls: 5 } }).compare).toMatchObject({
      calls: 5,
      latency: 1.5,
    });
  });

  it.each([
    [{}, 'canary.share'],
    [{ share: 0 }, 'canary.share'],
    [{ share: 1.1 }, 'canary.share'],
    [{ share: 1 }, 'canary.share'],
    [{ share: Number.NaN }, 'canary.share'],
    [{ share: '10%' }, 'canary.share'],
    [{ share: 0.1, by: 'tenant' }, 'canary.by'],
    [{ share: 0.1, seed: 0.5 }, 'canary.seed'],
    [{ share: 0.1, repeat: true }, 'canary.repeat'],
    [{ share: 0.1, mirror: true }, 'canary.mirror'],
    [{ share: 0.1, compare: 7 }, 'canary.compare'],
    [{ share: 0.1, compare: { calls: 0 } }, 'canary.compare.calls'],
    [{ share: 0.1, compare: { latency: 0.5 } }, 'canary.compare.latency'],
    [{ share: 0.1, compare: { errors: 2 } }, 'canary.compare.errors'],
    [{ share: 0.1, compare: { window: -1 } }, 'canary.compare.window'],
    [{ share: 0.1, compare: { p99: 1 } }, 'canary.compare.p99'],
    [7, 'canary'],
  ])('refuses %o', (options, option) => {
    let refused: unknown;
    try {
      canaryingOf(options as never);
    } catch (error) {
      refused = error;
    }
    expect(refused).toMatchObject({ code: 'kernel/invalid-option', details: { option } });
  });
});
