/** `ctx.metrics`: adds measurements up, and sends them together. */
import type { MetricLabels, PluginMetrics } from '../../context/metrics.js';
import { createSharedError } from '../../contract/errors.js';
import { Op } from '../../contract/operations.js';
import { timers } from '../own-timers.js';
import type { ContextParts } from './context-parts.js';

/** Milliseconds for which measurements are added up, and the most of them. */
const WINDOW = 100;
const MOST = 256;
const COUNTER = 0;
const GAUGE = 1;
const HISTOGRAM = 2;

type Measurement = [kind: number, name: string, value: number, labels: MetricLabels | undefined];

/** A link that is full keeps them for the next time. Measuring must never break the plugin. */
export function createMetrics({
  link,
  scope,
}: Pick<ContextParts, 'link' | 'scope'>): PluginMetrics {
  const waiting = new Map<unknown, Measurement>();
  let timer: number | undefined;
  const send = () => {
    timers.clear(timer);
    timer = undefined;
    if (waiting.size === 0) return;
    try {
      link.note(Op.metric, [...waiting.values()].flat(), []);
      waiting.clear();
    } catch {
      // It is full or closed.
    }
  };
  scope.add(send);
  const measure =
    (kind: number, name: string) =>
    (value = 1, labels?: MetricLabels) => {
      if (!Number.isFinite(value) || (kind !== GAUGE && value < 0))
        throw createSharedError('value/invalid', `${name} doesn't take ${value}`);
      checkLabels(name, labels);
      const key = kind === HISTOGRAM ? {} : JSON.stringify([kind, name, labels]);
      const known = waiting.get(key);
      if (known !== undefined) known[2] = kind === COUNTER ? known[2] + value : value;
      else if (waiting.size < MOST) waiting.set(key, [kind, name, value, labels && { ...labels }]);
      if (waiting.size === MOST) send();
      else timer ??= timers.set(send, WINDOW);
    };
  return {
    counter: (name) => ({ add: measure(COUNTER, name) }),
    gauge: (name) => ({ set: measure(GAUGE, name) }),
    histogram: (name) => ({ record: measure(HISTOGRAM, name) }),
  };
}

/** A label that can't be sent would keep all other measurements from being sent. */
function checkLabels(name: string, labels: MetricLabels | undefined): void {
  for (const [label, value] of Object.entries(labels ?? {}))
    if (!['boolean', 'number', 'string'].includes(typeof value))
      throw createSharedError(
        'value/invalid',
        `the label '${label}' of ${name} is a text, a number or a boolean, not ${typeof value}`,
      );
}
