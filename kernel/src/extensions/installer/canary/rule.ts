/** Decides whether a canary is promoted, rolled back, or goes on. It knows numbers alone. */
import type { CallCount } from '../../../lifecycle/inventory.js';
import type { CanaryComparison } from './options.js';

/** What is due, and why. */
export interface Decision {
  readonly what: 'go on' | 'promote' | 'roll back';
  readonly because: string;
}

/** Two versions are compared early only when chance explains a difference once in a thousand times. */
const CERTAIN = 3.29;
/** Calls before which one of them says nothing of the others. */
const FEWEST = 10;
/** Milliseconds that never count as slower. */
const NOISE = 5;

/**
 * Compares what was counted.
 *
 * @param age milliseconds since the canary began.
 */
export function decide(
  before: CallCount,
  canary: CallCount,
  rule: Required<CanaryComparison>,
  age: number,
): Decision {
  const [old, now] = [rateOf(before), rateOf(canary)];
  const failing = `${percent(now)} of its calls fail, ${percent(old)} of those before`;
  // Its rate is certainly too high, even if the version before is as bad as it may be.
  const isEnough = canary.calls >= Math.min(FEWEST, rule.calls);
  if (isEnough && lowest(canary) > highest(before) + rule.errors)
    return { what: 'roll back', because: failing };
  if (Math.min(before.calls, canary.calls) < rule.calls)
    return age < rule.window
      ? { what: 'go on', because: `${canary.calls} of ${rule.calls} calls` }
      : {
          what: 'roll back',
          because: `it answered ${canary.calls} calls, and the version before ${before.calls}, of ${rule.calls} each within ${rule.window} ms`,
        };
  if (now > old + rule.errors) return { what: 'roll back', because: failing };
  const slow = canary.p95 > before.p95 * rule.latency && canary.p95 - before.p95 > NOISE;
  const times = `95% of its calls take up to ${canary.p95.toFixed(1)} ms, before ${before.p95.toFixed(1)} ms`;
  return slow
    ? { what: 'roll back', because: times }
    : { what: 'promote', because: `${failing}; ${times}` };
}

const rateOf = ({ calls, faults }: CallCount) => (calls === 0 ? 0 : faults / calls);
const percent = (rate: number) => `${(rate * 100).toFixed(1)}%`;
const lowest = (counted: CallCount) => boundsOf(counted)[0];
const highest = (counted: CallCount) => boundsOf(counted)[1];

/** The interval in which the true rate of failures lies (Wilson). */
function boundsOf({ calls, faults }: CallCount): readonly [low: number, high: number] {
  if (calls === 0) return [0, 1];
  const rate = faults / calls;
  const square = CERTAIN ** 2;
  const middle = rate + square / (2 * calls);
  const reach = CERTAIN * Math.sqrt((rate * (1 - rate)) / calls + square / (4 * calls ** 2));
  const whole = 1 + square / calls;
  return [(middle - reach) / whole, (middle + reach) / whole];
}
