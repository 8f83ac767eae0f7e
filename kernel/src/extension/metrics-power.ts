/** `metrics`: counters and gauges of an extension. */
import { createError, disposable } from '@plinth/sdk/contract';
import { refuseLater } from '../contained.js';
import type { Metrics } from '../telemetry/metrics.js';
import { checkKind } from './check-arguments.js';
import type { MetricsPower } from './powers.js';
import type { Keep } from './tenant-extensions.js';

/** What a gauge reads. Undefined while it fails, which is reported once. */
function numbersOf(read: () => number, failed: (error: unknown) => void) {
  let fails = false;
  return (): number | undefined => {
    try {
      const value = read();
      refuseLater(value, 'it');
      if (typeof value !== 'number') throw new TypeError(`it answers ${String(value)}, no number`);
      fails = false;
      return value;
    } catch (error) {
      if (!fails) failed(error);
      fails = true;
      return undefined;
    }
  };
}

/**
 * Makes the power of an extension.
 *
 * @param failed hears why a gauge can't be read.
 */
export function metricsOf(
  extension: string,
  keep: Keep,
  metrics: Metrics,
  failed: (error: unknown) => void,
): MetricsPower {
  const { extensions } = metrics;
  const prefix = `${extension}.`;
  const where = `metrics of the extension '${extension}'`;
  const checkName = (name: string) => {
    checkKind(where, 'a name', name, 'string');
    if (extensions.has(prefix + name))
      throw createError('extension/duplicate', `${where} has '${name}' already`, {
        details: { extension, metric: name },
      });
  };
  return {
    counter: (name) => {
      checkName(name);
      const counter = { count: 0 };
      extensions.set(prefix + name, () => counter.count);
      return {
        add(by = 1) {
          checkKind(where, 'what is added', by, 'number');
          counter.count += by;
        },
      };
    },
    gauge: (name, read) => {
      checkName(name);
      checkKind(where, `what reads '${name}'`, read, 'function');
      extensions.set(prefix + name, numbersOf(read, failed));
      return keep(disposable(() => extensions.delete(prefix + name)));
    },
    read: () =>
      Object.fromEntries(
        Object.entries(metrics.readExtensions())
          .filter(([name]) => name.startsWith(prefix))
          .map(([name, value]) => [name.slice(prefix.length), value]),
      ),
  };
}
